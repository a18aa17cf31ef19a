/* A driver that draws for as long as this runs, or so everybody is told who asks the buffer.
 *
 *   vgem-draws NODE <DMA-BUF
 *
 * NODE is a device of vgem's. That driver has no hardware, and lets a program say when it has done with a buffer, be that
 * another driver's: here, when the program ends, or after 10 s, which are vgem's limit. The numbers and structures are
 * those of the kernel's uapi/drm/drm.h and uapi/drm/vgem_drm.h.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct prime_handle {
    uint32_t handle, flags;
    int32_t fd;
};
struct fence_attach {
    uint32_t handle, flags, fence, pad;
};
#define PRIME_FD_TO_HANDLE _IOWR('d', 0x2e, struct prime_handle)
#define FENCE_ATTACH _IOWR('d', 0x41, struct fence_attach)
#define WRITES 1

int main(int count, char **arguments)
{
    int node = count == 2 ? open(arguments[1], O_RDWR | O_CLOEXEC) : -1;
    struct prime_handle buffer = {.fd = STDIN_FILENO};
    if (node < 0 || ioctl(node, PRIME_FD_TO_HANDLE, &buffer) != 0) {
        perror("vgem does not take the buffer");
        return 1;
    }
    struct fence_attach fence = {.handle = buffer.handle, .flags = WRITES};
    if (ioctl(node, FENCE_ATTACH, &fence) != 0) {
        perror("vgem does not draw");
        return 1;
    }
    puts("drawing");
    fflush(stdout);
    for (;;)
        pause();
}
