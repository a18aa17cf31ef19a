/* One end of a vchan by libxenvchan: what `xen-probe vchan-end` is by this workspace. Both take the same arguments and
 * do the same, so that either can be put at either end.
 *
 *   vchan-peer server|client DOMAIN PORT LEFT RIGHT LINKS ACTION
 *
 * DOMAIN is the other end's, LEFT and RIGHT the bytes of a server's rings, LINKS how many links are made one after the
 * other. The actions, `N` being a number:
 *
 *   exchange:N  sends N bytes and takes N bytes at the same time, in pieces of all sizes, and checks each
 *   ping:N      sends a byte and waits for it to come back, N times (client); sends back what comes (server)
 *   hold        says that it is connected, and waits for the other end to go
 *   leave       closes as soon as it is connected
 */
#include <errno.h>
#include <inttypes.h>
#include <libxenvchan.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

/* What a link waits for at most, in ms. Nothing here takes a tenth of it unless an event is lost. */
#define PATIENCE 30000

/* Most bytes given or taken at once. */
#define MOST 3000

static int is_server;
/* Links that have not ended. */
static int links;

static void fail(const char *what)
{
	fprintf(stderr, "vchan-peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Numbers that both ends can make: Marsaglia's xorshift. */
static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Waits for the next event and takes it. */
static void await_event(struct libxenvchan *link)
{
	struct pollfd ready = { .fd = libxenvchan_fd_for_select(link), .events = POLLIN };

	if (poll(&ready, 1, PATIENCE) != 1) {
		struct vchan_interface *page = link->ring;

		fprintf(stderr,
			"vchan-peer: no event came with %d links to go; left %" PRIu32 "-%" PRIu32 ", right %" PRIu32 "-%" PRIu32
			", live %d %d, notify %d %d\n",
			links, page->left.cons, page->left.prod, page->right.cons, page->right.prod, page->cli_live,
			page->srv_live, page->cli_notify, page->srv_notify);
		exit(3);
	}
	if (libxenvchan_wait(link) < 0)
		fail("wait");
}

/* As much as there is; -1 at the end. */
static int take(struct libxenvchan *link, void *into, size_t most)
{
	return libxenvchan_read(link, into, most);
}

static void give_byte(struct libxenvchan *link, uint8_t byte)
{
	int given;

	while ((given = libxenvchan_write(link, &byte, 1)) == 0)
		await_event(link);
	if (given < 0)
		fail("write");
}

/* The next byte, or -1 at the end. */
static int take_byte(struct libxenvchan *link)
{
	uint8_t byte;
	int taken;

	while ((taken = take(link, &byte, 1)) == 0)
		await_event(link);
	return taken < 0 ? -1 : byte;
}

static void exchange(struct libxenvchan *link, uint32_t bytes)
{
	uint32_t out = is_server ? 0x5E77E5 : 0xC11E47, in = is_server ? 0xC11E47 : 0x5E77E5, sizes = getpid();
	uint32_t sent = 0, received = 0, pending = 0;
	uint8_t give[MOST], got[MOST];

	while (sent < bytes || received < bytes) {
		int moved = 0, n;

		if (pending == 0 && sent < bytes) {
			pending = next(&sizes) % MOST + 1;
			if (pending > bytes - sent)
				pending = bytes - sent;
			for (uint32_t i = 0; i < pending; i++)
				give[i] = next(&out);
		}
		if (pending > 0) {
			n = libxenvchan_write(link, give, pending);
			if (n < 0)
				fail("write");
			memmove(give, give + n, pending - n);
			pending -= n;
			sent += n;
			moved += n;
		}
		if (received < bytes) {
			uint32_t most = next(&sizes) % MOST + 1;

			n = take(link, got, most < bytes - received ? most : bytes - received);
			if (n < 0)
				fail("read");
			for (int i = 0; i < n; i++) {
				uint8_t wanted = next(&in);

				if (got[i] != wanted) {
					fprintf(stderr, "vchan-peer: byte %" PRIu32 " is %02x, not %02x\n", received + i, got[i], wanted);
					exit(4);
				}
			}
			received += n;
			moved += n;
		}
		if (moved == 0)
			await_event(link);
	}
	/* Each stays until the other has everything. */
	give_byte(link, 'D');
	if (take_byte(link) != 'D')
		fail("the last byte");
	printf("exchanged %" PRIu32 " bytes each way\n", bytes);
}

static void ping(struct libxenvchan *link, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		if (is_server) {
			int byte = take_byte(link);

			if (byte < 0)
				fail("read");
			give_byte(link, byte);
		} else {
			give_byte(link, i);
			if (take_byte(link) != (uint8_t)i)
				fail("an echo");
		}
	}
	/* The client leaves first, with the last echo in hand. */
	if (is_server && take_byte(link) != -1)
		fail("the end");
	printf("%" PRIu32 " echoes\n", times);
}

static void act(struct libxenvchan *link, const char *action)
{
	if (strncmp(action, "exchange:", 9) == 0) {
		exchange(link, strtoul(action + 9, NULL, 10));
	} else if (strncmp(action, "ping:", 5) == 0) {
		ping(link, strtoul(action + 5, NULL, 10));
	} else if (strcmp(action, "hold") == 0) {
		struct pollfd ready = { .fd = libxenvchan_fd_for_select(link), .events = POLLIN };

		printf("connected\n");
		while (libxenvchan_is_open(link) == 1 && poll(&ready, 1, 10 * PATIENCE) == 1)
			libxenvchan_wait(link);
		if (libxenvchan_is_open(link) != 0)
			fail("still open");
		printf("lost\n");
	} else if (strcmp(action, "leave") != 0) {
		fprintf(stderr, "vchan-peer: no action %s\n", action);
		exit(2);
	}
}

static int own_domain(void)
{
	struct xs_handle *store = xs_open(0);
	char *number = store ? xs_read(store, XBT_NULL, "domid", NULL) : NULL;

	if (!number)
		fail("cannot read domid from xenstore");
	int domain = atoi(number);
	free(number);
	xs_close(store);
	return domain;
}

static struct libxenvchan *connect_to(int domain, const char *keys)
{
	struct timespec pause = { .tv_nsec = 5000000 };

	/* The library has no way to wait for a server. */
	for (int tries = PATIENCE / 5; tries > 0; tries--) {
		struct libxenvchan *link = libxenvchan_client_init(NULL, domain, keys);

		if (link)
			return link;
		nanosleep(&pause, NULL);
	}
	fail("no server");
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 8) {
		fprintf(stderr, "usage: vchan-peer server|client DOMAIN PORT LEFT RIGHT LINKS ACTION\n");
		return 2;
	}
	is_server = strcmp(argv[1], "server") == 0;
	int domain = atoi(argv[2]);

	setlinebuf(stdout);

	for (links = atoi(argv[6]); links > 0; links--) {
		struct libxenvchan *link;
		char keys[128];

		if (is_server) {
			snprintf(keys, sizeof keys, "data/vchan/%d/%s", domain, argv[3]);
			link = libxenvchan_server_init(NULL, domain, keys, atoi(argv[4]), atoi(argv[5]));
			if (!link)
				fail("cannot serve");
			while (libxenvchan_is_open(link) == 2)
				await_event(link);
		} else {
			snprintf(keys, sizeof keys, "/local/domain/%d/data/vchan/%d/%s", domain, own_domain(), argv[3]);
			link = connect_to(domain, keys);
		}
		link->blocking = 0;
		act(link, argv[7]);
		libxenvchan_close(link);
	}
	return 0;
}
