//! The applications that are tried, and what each is asked to do.
//!
//! Commands are a shell's. Each application has a home of its own, with what [`super::home`] puts there.

/// One application.
#[derive(Clone, Copy)]
pub struct App {
    pub name: &'static str,
    pub toolkit: &'static str,
    /// Debian's names; the first is the one whose version is told.
    pub packages: &'static [&'static str],
    pub command: &'static str,
    /// What is in the title of its main window. Others are passing: splash screens, hints.
    pub title: &'static str,
    pub typing: Typing,
    pub menu: Menu,
    /// Why its window is nobody's to resize and close, if that is so.
    pub unmanaged: Option<&'static str>,
    /// Why its window does not take every size, if that is so.
    pub shaped: Option<&'static str>,
    /// What is typed at the question that closing it leads to.
    pub last_words: &'static [Do],
    /// What is known of what goes wrong.
    pub remark: &'static str,
}

/// One thing a user does.
#[derive(Clone, Copy)]
pub enum Do {
    /// Presses a key or a chord, by its name with `gui-daemon msg input key`.
    Key(&'static str),
    /// Types this.
    Text(&'static str),
    /// Clicks in the middle of the window.
    Click,
}

/// How it shows that an application takes typing.
#[derive(Clone, Copy)]
pub enum Typing {
    /// What is typed ends in the file [`super::home::FILE`].
    Saves(&'static [Do]),
    /// This is then in the title of a window of it.
    Titles(&'static [Do], &'static str),
    /// Its window then looks other than before, by more than it changes by itself.
    Changes(&'static [Do]),
    /// Its window moved before and does not then.
    Stops(&'static [Do]),
    /// It takes none, for this reason.
    None(&'static str),
}

/// How a menu is opened.
#[derive(Clone, Copy)]
pub enum Menu {
    /// By a key.
    Key(&'static str),
    /// By the left button, this far from the upper right corner of the window.
    Click(i32, i32),
    /// By the right button in the middle of the window.
    RightClick,
    /// By the right button, for as long as it is held.
    RightHeld,
    /// It has none, for this reason.
    None(&'static str),
}

/// What is typed everywhere.
pub const WORDS: &str = "Typed by hand";

// Where the shell begins: some terminals give it the home that the user has by name.
const IN_SHELL: &[Do] = &[Do::Text("echo Typed by hand > typed.txt\n")];
const IN_EDITOR: &[Do] = &[Do::Text(WORDS), Do::Key("ctrl+s")];
const IN_PAGE: Typing = Typing::Titles(&[Do::Click, Do::Text(WORDS)], WORDS);
const IN_CALCULATOR: Typing = Typing::Changes(&[Do::Text("6*7\n")]);
const NO_MENU: Menu = Menu::None("it has no menus");

const fn app(
    name: &'static str,
    toolkit: &'static str,
    packages: &'static [&'static str],
    command: &'static str,
) -> App {
    App {
        name,
        toolkit,
        packages,
        command,
        title: "",
        typing: Typing::None("it has nothing to type into"),
        menu: NO_MENU,
        unmanaged: None,
        shaped: None,
        last_words: &[],
        remark: "",
    }
}

impl App {
    const fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    const fn typing(self, typing: Typing) -> Self {
        Self { typing, ..self }
    }

    const fn editor(self) -> Self {
        self.typing(Typing::Saves(IN_EDITOR))
    }

    const fn terminal(self) -> Self {
        self.typing(Typing::Saves(IN_SHELL))
    }

    const fn menu(self, menu: Menu) -> Self {
        Self { menu, ..self }
    }

    const fn remark(self, remark: &'static str) -> Self {
        Self { remark, ..self }
    }

    const fn shaped(self, reason: &'static str) -> Self {
        Self { shaped: Some(reason), ..self }
    }

    const fn last_words(self, last_words: &'static [Do]) -> Self {
        Self { last_words, ..self }
    }
}

/// All of them, by toolkit.
pub const ALL: &[App] = &[
    app("mousepad", "GTK 3", &["mousepad"], "mousepad $HOME/typed.txt").editor().menu(Menu::Key("alt+f")),
    app("gedit", "GTK 3", &["gedit"], "gedit $HOME/typed.txt").editor().menu(Menu::Key("F10")),
    app("gvim", "GTK 3", &["vim-gtk3"], "gvim -f $HOME/typed.txt")
        .typing(Typing::Saves(&[Do::Text("iTyped by hand"), Do::Key("Escape"), Do::Text(":w\n")]))
        .menu(Menu::Key("alt+f")),
    app("emacs", "GTK 3", &["emacs-gtk"], "emacs --no-splash $HOME/typed.txt")
        .typing(Typing::Saves(&[Do::Text(WORDS), Do::Key("ctrl+x"), Do::Key("ctrl+s")]))
        .menu(Menu::Key("F10")),
    app("evince", "GTK 3", &["evince"], "evince $HOME/document.pdf")
        .typing(Typing::Changes(&[Do::Key("ctrl+f"), Do::Text(WORDS)]))
        .menu(Menu::Key("F10")),
    app("zathura", "GTK 3", &["zathura", "zathura-pdf-poppler"], "zathura $HOME/document.pdf")
        .typing(Typing::Changes(&[Do::Text(":"), Do::Text(WORDS)])),
    app("gnome-terminal", "GTK 3, VTE", &["gnome-terminal"], "gnome-terminal --wait")
        .terminal()
        .menu(Menu::RightClick),
    app("xfce4-terminal", "GTK 3, VTE", &["xfce4-terminal"], "xfce4-terminal --disable-server")
        .terminal()
        .menu(Menu::Key("alt+f")),
    app("gnome-text-editor", "GTK 4", &["gnome-text-editor"], "gnome-text-editor -s $HOME/typed.txt")
        .editor()
        .menu(Menu::Key("F10")),
    app("gnome-calculator", "GTK 4", &["gnome-calculator"], "gnome-calculator")
        .typing(IN_CALCULATOR)
        .menu(Menu::Click(64, 24)),
    app("nautilus", "GTK 4", &["nautilus"], "nautilus $HOME")
        .typing(Typing::Changes(&[Do::Key("ctrl+l"), Do::Text("/usr\n")]))
        .menu(Menu::Key("F10")),
    app("kate", "Qt 5", &["kate", "qtwayland5"], "kate $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("kwrite", "Qt 5", &["kwrite", "qtwayland5"], "kwrite $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("kwrite on X11", "Qt 5, X11", &["kwrite"], "QT_QPA_PLATFORM=xcb kwrite $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("kcalc", "Qt 5", &["kcalc", "qtwayland5"], "kcalc").typing(IN_CALCULATOR).menu(Menu::Key("alt+f")),
    app("featherpad", "Qt 5", &["featherpad", "qtwayland5"], "featherpad $HOME/typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("qterminal", "Qt 5", &["qterminal", "qtwayland5"], "qterminal")
        .terminal()
        .menu(Menu::RightClick)
        .last_words(&[Do::Key("Return")]),
    app("focuswriter", "Qt 6", &["focuswriter", "qt6-wayland"], "focuswriter $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::RightClick),
    app("chromium", "Chromium, as Electron's", &["chromium"], CHROMIUM)
        .titled("ready")
        .typing(IN_PAGE)
        .menu(Menu::Key("alt+f")),
    app("chromium on X11", "Chromium, X11", &["chromium"], CHROMIUM_X11)
        .titled("ready")
        .typing(IN_PAGE)
        .menu(Menu::Key("alt+f")),
    app("firefox", "Firefox", &["firefox-esr"], "firefox-esr --profile $HOME/firefox $HOME/page.html")
        .titled("ready")
        .typing(IN_PAGE)
        .menu(Menu::Key("alt+f")),
    app(
        "firefox on X11",
        "Firefox, X11",
        &["firefox-esr"],
        "MOZ_ENABLE_WAYLAND=0 firefox-esr --profile $HOME/firefox $HOME/page.html",
    )
    .titled("ready")
    .typing(IN_PAGE)
    .menu(Menu::Key("alt+f")),
    app("thunderbird", "Firefox's", &["thunderbird"], "thunderbird --profile $HOME/firefox")
        .titled("Thunderbird")
        .typing(Typing::Changes(&[Do::Key("ctrl+k"), Do::Text(WORDS), Do::Key("Escape")]))
        .menu(Menu::Key("alt+f")),
    app(
        "libreoffice writer",
        "LibreOffice, GTK 3",
        &["libreoffice-writer", "libreoffice-gtk3"],
        "soffice --norestore --nologo --writer $HOME/typed.txt",
    )
    .titled("LibreOffice Writer")
    .typing(Typing::Saves(&[Do::Text(WORDS), Do::Key("ctrl+s"), Do::Key("Return")]))
    .menu(Menu::Key("alt+f")),
    app("gimp", "GTK 2, X11", &["gimp"], "gimp --no-splash")
        .titled("GNU Image Manipulation Program")
        .typing(Typing::Titles(&[Do::Key("ctrl+n"), Do::Key("Return")], "Untitled"))
        .menu(Menu::Key("alt+f")),
    app("mpv", "mpv", &["mpv"], "mpv --title='pause is ${pause}' av://lavfi:testsrc2")
        .titled("pause is no")
        .typing(Typing::Titles(&[Do::Key("p")], "pause is yes")),
    app("ffplay", "SDL 2", &["ffmpeg"], "SDL_VIDEODRIVER=wayland ffplay -f lavfi -i testsrc2")
        .typing(Typing::Stops(&[Do::Key("p")])),
    app("ffplay on X11", "SDL 2, X11", &["ffmpeg"], "SDL_VIDEODRIVER=x11 ffplay -f lavfi -i testsrc2")
        .typing(Typing::Stops(&[Do::Key("p")])),
    app("chocolate-doom", "SDL 2", &["chocolate-doom", "freedoom"], DOOM)
        .typing(Typing::Changes(&[Do::Key("Escape")]))
        .shaped("it keeps its window in the shape of its picture")
        .last_words(&[Do::Key("y")]),
    app("imv", "own, EGL", &["imv"], "imv-wayland $HOME/one.png $HOME/two.png")
        .titled("one.png")
        .typing(Typing::Titles(&[Do::Key("Right")], "two.png"))
        .remark(
            "it divides by the rate of the keys' repetition, which is 0 where the GUI domain repeats them",
        ),
    app("foot", "own, Wayland", &["foot"], "foot").terminal(),
    app("weston-terminal", "own, Wayland", &["weston"], "weston-terminal").terminal().menu(Menu::RightClick),
    app("alacritty", "own, EGL", &["alacritty"], "alacritty").terminal(),
    app("kitty", "own, EGL", &["kitty"], "kitty -o confirm_os_window_close=0").terminal(),
    app("jedit", "Java, Swing", &["jedit", "openjdk-17-jre"], "jedit -noserver $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("idle", "Tk", &["idle", "python3-tk"], "idle $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("nedit", "Motif", &["nedit"], "nedit $HOME/typed.txt")
        .titled("typed.txt")
        .editor()
        .menu(Menu::Key("alt+f")),
    app("xterm", "X11, Xt", &["xterm"], XTERM).terminal().menu(Menu::RightHeld),
    app("urxvt", "X11", &["rxvt-unicode"], "urxvt").terminal(),
    app("xcalc", "X11, Xaw", &["x11-apps"], "xcalc").typing(IN_CALCULATOR),
    app("xeyes", "X11", &["x11-apps"], "xeyes"),
    app("xclock", "X11, Xaw", &["x11-apps"], "xclock"),
    App {
        unmanaged: Some("it tells window managers to leave its window alone"),
        ..app("x11perf", "X11", &["x11-apps"], "x11perf -repeat 100 -circle100")
    },
];

// After it has ended it otherwise shows what it once left in a terminal, until another key is pressed.
const DOOM: &str = "echo show_endoom 0 >doom.cfg; exec /usr/games/chocolate-doom -extraconfig doom.cfg -window -nosound -iwad /usr/share/games/doom/freedoom1.wad";
// Run by root, it asks for this.
const CHROMIUM: &str = "chromium --no-sandbox --no-first-run --ozone-platform=wayland --user-data-dir=$HOME/chromium $HOME/page.html";
const CHROMIUM_X11: &str = "chromium --no-sandbox --no-first-run --ozone-platform=x11 --user-data-dir=$HOME/chromium $HOME/page.html";
// Its menus otherwise want a button and a key held together.
const XTERM: &str = "xterm -xrm 'XTerm*VT100.translations: #override <Btn3Down>: popup-menu(mainMenu)'";
