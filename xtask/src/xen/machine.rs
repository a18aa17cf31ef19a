//! The emulated machine: QEMU with Xen, a dom0 and a display, and ways to act on it.
//!
//! Commands in dom0 ([`Machine::dom0`]) and in other domains ([`Machine::run_in`]) are shell scripts. The ones for dom0 lie
//! in a folder shared with it, as does their output; a serial port of its own says which to run and how they ended. The
//! ones for other domains go through the domain's console. Neither needs anything that is under test.
//!
//! Nothing here waits for a time to pass: [`Machine::until`] asks for the condition itself, again and again up to a limit,
//! and meanwhile sees Ctrl-C and the end of QEMU. Limits are for a busy host, and cost nothing where things go well. Asking
//! costs what is waited for its processor, of which there is one: the longer it takes, the more seldom it is asked.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::{
    images::Images,
    picture::Picture,
    qmp::{Input, Qmp},
};
use crate::process::{Processes, Wake};

/// From QEMU's start until dom0 takes commands: 10 s on an idle host.
const BOOT_LIMIT: Duration = Duration::from_secs(180);
/// From `xl create` until the domain takes commands: 6 s on an idle host.
const CREATE_LIMIT: Duration = Duration::from_secs(120);
/// A command, if nothing else is said.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(60);
/// From asking dom0 to power off until QEMU has ended.
const POWER_OFF_LIMIT: Duration = Duration::from_secs(60);
/// Between two times that a condition is asked for: this, or a part of the time waited so far if that is longer.
const ASK_EVERY: Duration = Duration::from_millis(20);
const PART_OF_WAIT: u32 = 10;

/// MiB of the whole machine, of dom0, and of each other domain. A domain's root is in its memory as far as it was written.
const MEMORY: u32 = 3584;
const DOM0_MEMORY: u32 = 1536;
const DOMAIN_MEMORY: u32 = 512;

/// Without this, Xen leaves it to the processor to say when a domain touches vector registers that are still another's.
/// QEMU 7.2 does not say so for the instructions that save and restore them, and they leak between domains.
const EAGER_FPU: &str = "spec-ctrl=eager-fpu";

/// QEMU's name of the display that is plugged in when a scenario says so.
const SECOND_DISPLAY: &str = "second-display";

/// Of that display, in dom0's shell: the name of its device, which is virtio's of that number, and its driver.
const SECOND_DEVICE: &str = "$(basename $(dirname $(grep -l 0x0010 /sys/bus/virtio/devices/*/device)))";
const SECOND_DRIVER: &str = "/sys/bus/virtio/drivers/virtio_gpu";

/// How a machine is started.
pub struct Boot<'a> {
    pub images: &'a Images,
    /// For sockets, logs and pictures. What an earlier machine left in it goes.
    pub folder: &'a Path,
    /// QEMU's `-display`.
    pub display: &'a str,
    /// Whether Xen keeps the domains' vector registers apart by itself.
    pub eager_fpu: bool,
}

/// A machine that runs. Dropping it ends QEMU.
pub struct Machine {
    processes: Processes,
    folder: PathBuf,
    qmp: Qmp,
    jobs: Jobs,
    domains: Vec<Domain>,
}

/// A domain that was created here.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its name for Xen.
    pub name: String,
    /// Its number for Xen: another one each time it is created.
    pub id: u32,
    /// The terminal in dom0 that is its console.
    terminal: String,
}

/// What a command has come to.
#[derive(Debug)]
pub struct Outcome {
    /// Exit status, as the shell counts it.
    pub status: i32,
    /// Both standard output and standard error.
    pub output: String,
}

impl Outcome {
    /// The output.
    ///
    /// # Errors
    /// When the status is not 0; then the output is in the error.
    pub fn success(self) -> anyhow::Result<String> {
        ensure!(self.status == 0, "exit status {}\n{}", self.status, self.output.trim_end());
        Ok(self.output)
    }
}

/// The serial port over which dom0 is told which commands to run.
struct Jobs {
    port: UnixStream,
    /// Received and not a whole line yet.
    pending: String,
    /// Ended and not asked for yet.
    ended: Vec<(u32, i32)>,
    ready: bool,
    next: u32,
}

/// A script that was started.
#[derive(Clone, Debug)]
pub struct Job {
    number: u32,
    /// The console on which it prints, if it runs in another domain than dom0.
    console: Option<Log>,
}

/// A file that a domain writes, from some place on. It need not be there yet.
#[derive(Clone, Debug)]
pub struct Log {
    file: PathBuf,
    start: usize,
}

impl Log {
    /// All of a file.
    pub fn whole(file: PathBuf) -> Self {
        Self { file, start: 0 }
    }

    /// What comes from now on.
    pub fn from_now(file: PathBuf) -> Self {
        let start = fs::metadata(&file).map_or(0, |metadata| metadata.len());
        Self { file, start: usize::try_from(start).unwrap_or(usize::MAX) }
    }

    /// What is in it so far.
    pub fn text(&self) -> String {
        let bytes = fs::read(&self.file).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(self.start..).unwrap_or_default()).into_owned()
    }
}

impl Machine {
    /// Starts a machine and waits until dom0 takes commands.
    pub fn boot(boot: &Boot<'_>) -> anyhow::Result<Self> {
        let folder = boot.folder;
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        for subfolder in ["host/jobs", "host/console"] {
            fs::create_dir_all(folder.join(subfolder))?;
        }
        let folder = fs::canonicalize(folder)?;
        let mut processes = Processes::new()?;
        processes.spawn("QEMU", &mut qemu(boot, &folder)?)?;

        let qmp_socket = folder.join("qmp.sock");
        let wait = Wait::new(BOOT_LIMIT);
        while UnixStream::connect(&qmp_socket).is_err() {
            wait.pause(&mut processes).context("QEMU did not start; see qemu.log")?;
        }
        let port = UnixStream::connect(folder.join("jobs.sock"))?;
        port.set_nonblocking(true)?;
        let jobs = Jobs { port, pending: String::new(), ended: Vec::new(), ready: false, next: 1 };
        let mut machine = Self { processes, qmp: Qmp::connect(&qmp_socket)?, jobs, domains: vec![], folder };
        machine.until("dom0 takes commands", BOOT_LIMIT, |machine| {
            machine.jobs.receive()?;
            Ok(machine.jobs.ready.then_some(()))
        })?;
        Ok(machine)
    }

    /// The folder that dom0 sees as `/host`.
    pub fn shared(&self) -> PathBuf {
        self.folder.join("host")
    }

    /// Runs a shell script as root in dom0.
    ///
    /// # Errors
    /// When it does not end within [`COMMAND_LIMIT`], or the machine does.
    pub fn dom0(&mut self, script: &str) -> anyhow::Result<Outcome> {
        let job = self.start_in_dom0(script)?;
        self.finish(&job, COMMAND_LIMIT)
    }

    /// Runs a shell script as root in another domain.
    ///
    /// # Errors
    /// As of [`Self::dom0`].
    pub fn run_in(&mut self, domain: &Domain, script: &str) -> anyhow::Result<Outcome> {
        let job = self.start_in(domain, script)?;
        self.finish(&job, COMMAND_LIMIT)
    }

    /// Starts a shell script as root in dom0. Others can be started meanwhile.
    pub fn start_in_dom0(&mut self, script: &str) -> anyhow::Result<Job> {
        let job = self.new_job(None, script)?;
        writeln!(self.jobs.port, "{}", job.number).context("dom0 takes no commands")?;
        Ok(job)
    }

    /// Starts a shell script as root in another domain. Others can be started meanwhile.
    pub fn start_in(&mut self, domain: &Domain, script: &str) -> anyhow::Result<Job> {
        let console = self.console(&domain.name);
        let job = self.new_job(Some(console), script)?;
        let number = job.number;
        self.dom0(&format!(
            "echo \"{number} $(base64 --wrap=0 /host/jobs/{number}.sh)\" >{}",
            domain.terminal
        ))?
        .success()?;
        Ok(job)
    }

    /// Waits for a script to end.
    ///
    /// # Errors
    /// When it does not end within `limit`, or the machine does.
    pub fn finish(&mut self, job: &Job, limit: Duration) -> anyhow::Result<Outcome> {
        let outcome = self.until("the command ends", limit, |machine| machine.ended(job));
        outcome.with_context(|| Log::whole(self.script(job)).text())
    }

    /// How a script has ended, once it has.
    pub fn ended(&mut self, job: &Job) -> anyhow::Result<Option<Outcome>> {
        let output = self.output(job);
        match &job.console {
            None => {
                let status = self.jobs.take_ended(job.number)?;
                Ok(status.map(|status| Outcome { status, output: output.text() }))
            }
            Some(console) => outcome_on_console(job.number, &console.text()),
        }
    }

    /// Waits until a script that runs prints a line with `text`.
    pub fn until_printed(&mut self, job: &Job, text: &str) -> anyhow::Result<()> {
        let mark = if job.console.is_some() { format!("{}| ", job.number) } else { String::new() };
        let output = self.output(job);
        self.until(&format!("the command prints {text:?}"), COMMAND_LIMIT, |_| {
            let printed = output.text();
            let mut lines = printed.lines().filter(|line| line.starts_with(&mark));
            Ok(lines.any(|line| line.contains(text)).then_some(()))
        })
    }

    /// What a script in dom0 has printed so far.
    pub fn printed(&self, job: &Job) -> String {
        self.output(job).text()
    }

    fn new_job(&mut self, console: Option<Log>, script: &str) -> anyhow::Result<Job> {
        let job = Job { number: self.jobs.next, console };
        self.jobs.next += 1;
        fs::write(self.script(&job), script)?;
        Ok(job)
    }

    fn script(&self, job: &Job) -> PathBuf {
        self.shared().join(format!("jobs/{}.sh", job.number))
    }

    fn output(&self, job: &Job) -> Log {
        job.console.clone().unwrap_or_else(|| Log::whole(self.script(job).with_extension("out")))
    }

    /// The domain of that name: the one that runs, or a new one.
    pub fn domain(&mut self, name: &str) -> anyhow::Result<Domain> {
        match self.domains.iter().find(|domain| domain.name == name) {
            Some(domain) => Ok(domain.clone()),
            None => self.create(name, ""),
        }
    }

    /// Forgets a domain that what runs on the machine ends by itself.
    pub fn forget(&mut self, domain: &Domain) {
        self.domains.retain(|known| known.id != domain.id);
    }

    /// Ends a domain at once, as if its machine had been switched off.
    pub fn destroy(&mut self, domain: &Domain) -> anyhow::Result<()> {
        self.forget(domain);
        self.dom0(&format!("xl destroy {}", domain.id))?.success().map(drop)
    }

    /// Creates a domain with xl and waits until it takes commands. `more` are lines for its configuration.
    pub fn create(&mut self, name: &str, more: &str) -> anyhow::Result<Domain> {
        let config = format!(
            "name = \"{name}\"\nkernel = \"/payload/vmlinux\"\nramdisk = \"/payload/initramfs.cpio\"\n\
             extra = \"console=hvc0 quiet cryptomgr.notests role=domu domain={name}\"\nmemory = {DOMAIN_MEMORY}\n\
             vcpus = 1\nmax_grant_frames = 128\non_reboot = \"destroy\"\non_crash = \"preserve\"\n\
             disk = [ \"vdev=xvda,access=ro,script=block-given,target=/dev/vda\",\n\
             \"vdev=xvdb,access=ro,script=block-given,target=/dev/vdb\" ]\n{more}\n"
        );
        fs::write(self.shared().join(format!("{name}.cfg")), config)?;
        let console = self.console(name);
        let output = self
            .dom0(&format!(
                "xl create -q /host/{name}.cfg && id=$(xl domid {name}) && echo \"$id $(xenstore-read \
                 /local/domain/$id/console/tty)\""
            ))?
            .success()
            .with_context(|| format!("cannot create the domain {name}"))?;
        let words = output.lines().last().and_then(|line| line.split_once(' '));
        let (id, terminal) = words.with_context(|| format!("no domain id in {output:?}"))?;
        let domain = Domain { name: name.to_owned(), id: id.parse()?, terminal: terminal.to_owned() };
        self.until_logged(&console, "ready", CREATE_LIMIT)?;
        self.domains.push(domain.clone());
        Ok(domain)
    }

    /// What a domain prints on its console from now on.
    pub fn console(&self, domain: &str) -> Log {
        Log::from_now(self.shared().join(format!("console/guest-{domain}.log")))
    }

    /// Waits until `condition` gives a value.
    ///
    /// # Errors
    /// Its own; when it gives none within `limit`; when the machine ends; [`crate::process::Interrupted`].
    pub fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut condition: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let wait = Wait::new(limit);
        loop {
            if let Some(value) = condition(self)? {
                return Ok(value);
            }
            wait.pause(&mut self.processes).with_context(|| format!("while waiting until {what}"))?;
        }
    }

    /// Waits until a line of a log contains `text`, and returns that line.
    pub fn until_logged(&mut self, log: &Log, text: &str, limit: Duration) -> anyhow::Result<String> {
        self.until(&format!("{} says {text:?}", log.file.display()), limit, |_| {
            Ok(log.text().lines().find(|line| line.contains(text)).map(str::to_owned))
        })
    }

    /// Injects input, all of it as of one moment.
    pub fn input(&mut self, inputs: &[Input<'_>]) -> anyhow::Result<()> {
        self.qmp.input(inputs)
    }

    /// What the display shows.
    pub fn picture(&mut self) -> anyhow::Result<Picture> {
        let file = self.folder.join("display.ppm");
        self.qmp.command("screendump", &json!({ "filename": file }))?;
        Picture::parse(&fs::read(&file)?)
    }

    /// What the second display shows.
    pub fn second_picture(&mut self) -> anyhow::Result<Picture> {
        let file = self.folder.join("display.ppm");
        self.qmp.command("screendump", &json!({ "filename": file, "device": SECOND_DISPLAY }))?;
        Picture::parse(&fs::read(&file)?)
    }

    /// Loads the driver of the second display, or gives the device back to it.
    pub fn plug_in_second_display(&mut self) -> anyhow::Result<()> {
        self.dom0(&format!(
            "modprobe virtio_gpu && device={SECOND_DEVICE} && [ -e {SECOND_DRIVER}/$device ] || \
             echo $device >{SECOND_DRIVER}/bind"
        ))?
        .success()
        .map(drop)
    }

    /// Takes the second display's device away from its driver.
    pub fn unplug_second_display(&mut self) -> anyhow::Result<()> {
        self.dom0(&format!("echo {SECOND_DEVICE} >{SECOND_DRIVER}/unbind"))?.success().map(drop)
    }

    /// Has QEMU do something to the machine.
    pub fn qemu(&mut self, command: &str, arguments: &Value) -> anyhow::Result<()> {
        self.qmp.command(command, arguments).map(drop)
    }

    /// Writes what the display shows to a PNG file.
    pub fn save_picture(&mut self, file: &Path) -> anyhow::Result<()> {
        let file = std::path::absolute(file)?;
        self.qmp.command("screendump", &json!({ "filename": file, "format": "png" })).map(drop)
    }

    /// Where the display is served, if it is over VNC.
    pub fn vnc_port(&mut self) -> anyhow::Result<String> {
        let answer = self.qmp.command("query-vnc", &json!({}))?;
        answer.get("service").and_then(Value::as_str).map(str::to_owned).context("there is no VNC server")
    }

    /// Waits until the machine ends by itself.
    pub fn run_until_off(&mut self) -> anyhow::Result<()> {
        loop {
            if let Wake::Ended(..) = self.processes.wait(None)? {
                return Ok(());
            }
        }
    }

    /// Powers the machine off.
    pub fn power_off(mut self) -> anyhow::Result<()> {
        self.start_in_dom0("busybox poweroff -f")?;
        match self.processes.wait(Some(Instant::now() + POWER_OFF_LIMIT))? {
            Wake::Ended(name, how) => {
                ensure!(how.success(), "{name} {how}");
                Ok(())
            }
            Wake::TimedOut => bail!("the machine does not power off"),
        }
    }
}

impl Jobs {
    /// Takes in what dom0 has said.
    fn receive(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 256];
        loop {
            match self.port.read(&mut bytes) {
                Ok(0) => bail!("QEMU has closed the port for commands"),
                Ok(read) => {
                    self.pending.push_str(&String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()))
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        while let Some((line, rest)) = self.pending.split_once('\n') {
            match line.split_once(' ') {
                Some((number, status)) => self.ended.push((number.parse()?, status.parse()?)),
                None => self.ready = true,
            }
            self.pending = rest.to_owned();
        }
        Ok(())
    }

    fn take_ended(&mut self, number: u32) -> anyhow::Result<Option<i32>> {
        self.receive()?;
        let place = self.ended.iter().position(|(ended, _)| *ended == number);
        Ok(place.map(|place| self.ended.swap_remove(place).1))
    }
}

/// How a command of another domain has ended, if it has, by what `serve-jobs` prints there.
fn outcome_on_console(number: u32, text: &str) -> anyhow::Result<Option<Outcome>> {
    let (line_mark, end_mark) = (format!("{number}| "), format!("{number}= "));
    let Some(status) = text.lines().find_map(|line| line.strip_prefix(&end_mark)) else { return Ok(None) };
    let lines = text.lines().filter_map(|line| line.strip_prefix(&line_mark));
    let output = lines.map(|line| format!("{line}\n")).collect();
    Ok(Some(Outcome { status: status.trim().parse()?, output }))
}

/// QEMU as a machine for Xen. What else is true of it is explained where it stands.
fn qemu(boot: &Boot<'_>, folder: &Path) -> anyhow::Result<Command> {
    let path = |name: &str| folder.join(name).display().to_string();
    let socket =
        |name: &str| format!("socket,id={name},server=on,wait=off,path={}", path(&format!("{name}.sock")));
    let images = boot.images;
    let mut xen = format!(
        "console=com1 com1=115200,8n1 dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M noreboot bootscrub=0 loglvl=warning \
         guest_loglvl=warning conring_size=1m gnttab_max_frames=256"
    );
    if boot.eager_fpu {
        xen = format!("{xen} {EAGER_FPU}");
    }
    // A comma would begin another file.
    let dom0 = "console=hvc0 quiet cryptomgr.notests pmtmr=0 role=dom0";

    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-nodefaults", "-no-reboot", "-machine", "q35", "-accel", "tcg,thread=multi", "-smp", "1"]);
    // With SMAP, QEMU 7.2 lets the instruction fail that leads from Xen back into a paravirtual dom0.
    qemu.args(["-cpu", "max,-smap", "-m", &MEMORY.to_string(), "-display", boot.display]);
    qemu.args(["-device", "bochs-display", "-device", "virtio-tablet-pci", "-device", "virtio-keyboard-pci"]);
    // A second display, for which dom0 loads no driver by itself: loading it is plugging it in. Without an IOMMU's addresses
    // a paravirtual dom0 shows black there.
    qemu.args(["-device", &format!("virtio-gpu-pci,id={SECOND_DISPLAY},iommu_platform=on")]);
    // Room for one device more.
    qemu.args(["-device", "pcie-root-port,id=spare"]);
    // The first serial port is Xen's and dom0's console, the second a shell.
    qemu.args(["-serial", &format!("file:{}", path("xen.log"))]);
    qemu.args(["-chardev", &socket("shell"), "-serial", "chardev:shell"]);
    qemu.args(["-device", "virtio-serial-pci", "-chardev", &socket("jobs")]);
    qemu.args(["-device", "virtserialport,chardev=jobs,name=jobs"]);
    qemu.args(["-chardev", &socket("qmp"), "-mon", "chardev=qmp,mode=control"]);
    qemu.arg("-virtfs").arg(format!("local,mount_tag=host,security_model=none,path={}", path("host")));
    for (image, letter) in [(&images.system, 'a'), (&images.payload, 'b')] {
        let file = image.display();
        qemu.arg("-drive").arg(format!("if=none,id=vd{letter},format=raw,readonly=on,file={file}"));
        qemu.arg("-device").arg(format!("virtio-blk-pci,drive=vd{letter}"));
    }
    qemu.arg("-kernel").arg(&images.xen).args(["-append", &xen]);
    qemu.arg("-initrd").arg(format!("{} {dom0},{}", images.kernel.display(), images.initramfs.display()));
    let log = fs::File::create(folder.join("qemu.log"))?;
    qemu.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(qemu)
}

/// For a condition that is asked for again and again.
struct Wait {
    since: Instant,
    limit: Duration,
}

impl Wait {
    fn new(limit: Duration) -> Self {
        Self { since: Instant::now(), limit }
    }

    /// Until the next time to ask. Within it the machine must not end.
    fn pause(&self, processes: &mut Processes) -> anyhow::Result<()> {
        let waited = self.since.elapsed();
        ensure!(waited < self.limit, "it took too long");
        match processes.wait(Some(Instant::now() + ASK_EVERY.max(waited / PART_OF_WAIT)))? {
            Wake::Ended(name, how) => bail!("{name} {how}"),
            Wake::TimedOut => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_of_commands_are_told_apart() {
        let console = "ready\n7| one\nkernel says\n8| other\n7| two\n8= 0\n7= 3\n";
        let outcome = outcome_on_console(7, console).unwrap().unwrap();
        assert_eq!((outcome.status, outcome.output.as_str()), (3, "one\ntwo\n"));
        assert!(outcome_on_console(9, console).unwrap().is_none());
        assert!(outcome_on_console(7, "7| one\n").unwrap().is_none());
    }
}
