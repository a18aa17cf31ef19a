//! What an application finds in its home: a file to write to, and things to show.

use std::{fs, path::Path};

/// Where what is typed is saved.
pub const FILE: &str = "typed.txt";

/// Its title tells what is typed into it.
const PAGE: &str = "<!DOCTYPE html><title>ready</title>\
    <textarea autofocus style='position:fixed;inset:0;width:100%;height:100%;font-size:2em' \
    oninput='document.title=this.value'></textarea>\n";

/// What keeps Firefox and Thunderbird from showing more than they are asked for.
const PREFERENCES: &str = r#"user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("app.normandy.enabled", false);
user_pref("termsofuse.bypassNotification", true);
"#;

/// A page with a line of text. Readers find their way without the table that a whole PDF has at its end.
const DOCUMENT: &str = "%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Contents 4 0 R
 /Resources <</Font <</F 5 0 R>>>>>> endobj
4 0 obj <</Length 45>> stream
BT /F 24 Tf 40 200 Td (A page of a file.) Tj ET
endstream endobj
5 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>> endobj
trailer <</Root 1 0 R>>
%%EOF
";

/// Fills an empty folder.
pub fn furnish(home: &Path) -> anyhow::Result<()> {
    fs::write(home.join(FILE), "before\n")?;
    fs::write(home.join("page.html"), PAGE)?;
    fs::write(home.join("document.pdf"), DOCUMENT)?;
    fs::create_dir(home.join("firefox"))?;
    fs::write(home.join("firefox/user.js"), PREFERENCES)?;
    for (name, colour) in [("one.png", [200, 80, 40]), ("two.png", [40, 80, 200])] {
        let mut encoder = png::Encoder::new(fs::File::create(home.join(name))?, 320, 240);
        encoder.set_color(png::ColorType::Rgb);
        let shade =
            |index: usize| colour.map(|part: u8| part.saturating_add(if index % 64 < 32 { 30 } else { 0 }));
        let pixels: Vec<u8> = (0..320 * 240).flat_map(shade).collect();
        encoder.write_header()?.write_image_data(&pixels)?;
    }
    Ok(())
}
