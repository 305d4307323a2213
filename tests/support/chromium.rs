//! A headless chromium, driven over its DevTools protocol.

use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// An answer that takes longer will not come: the test fails instead of waiting for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names of the program in Debian and elsewhere.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Options that a fresh profile needs to stay quiet and off the network.
const OPTIONS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
];

/// Returns the browser on this machine, if there is one.
pub(crate) fn find() -> Option<PathBuf> {
    let directories: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let places = NAMES
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    places.into_iter().find(|place| place.is_file())
}

/// A running browser with one page.
pub(crate) struct Chromium {
    process: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    sent: u64,
    events: Vec<(String, Value)>,
    // Lives as long as the browser.
    _profile: TempDir,
}

impl Chromium {
    /// Starts one with a fresh profile and an empty page of 1440 by 900 pixels.
    pub(crate) fn start(binary: &Path) -> Self {
        let profile = tempfile::tempdir().expect("a directory for the profile");
        let mut process = Command::new(binary)
            .args(OPTIONS)
            .arg("--window-size=1440,900")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium starts");
        let mut complaints = BufReader::new(process.stderr.take().expect("piped"));
        let address = address(&mut complaints);
        // Somebody must read what it goes on to write, or it waits for that.
        std::thread::spawn(move || io::copy(&mut complaints, &mut io::sink()));
        let host = address.trim_start_matches("ws://").split('/').next().expect("a host");
        let stream = TcpStream::connect(host).expect("DevTools listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (socket, _) = tungstenite::client(address.as_str(), stream).expect("DevTools answers");
        let mut browser = Self {
            process,
            socket,
            session: None,
            sent: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Opens a file and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &Path) {
        self.open_address(&format!("file://{}", file.display()));
    }

    /// Opens a file where a link leads, as in `e85`, in a window of this size.
    pub(crate) fn open_at(&mut self, file: &Path, fragment: &str, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        // The query makes it another page than the one that is open, which would only scroll.
        let (place, other) = (file.display(), self.sent);
        self.open_address(&format!("file://{place}?{other}#{fragment}"));
    }

    fn open_address(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": url }));
        while !self.events.iter().any(|(method, _)| method == "Page.loadEventFired") {
            self.receive();
        }
    }

    /// Returns the value of an expression of the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Returns the text of the first element that a selector finds, as it is shown.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let value = self.evaluate(&format!("document.querySelector({selector:?}).innerText"));
        value
            .as_str()
            .unwrap_or_else(|| panic!("{selector} has no text"))
            .to_owned()
    }

    /// Presses and releases a key, as in `ArrowRight`.
    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key });
            if key.chars().count() == 1 && kind == "keyDown" {
                event["text"] = json!(key);
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Clicks into the middle of the first element that a selector finds, with the mouse.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.evaluate(&format!(
            "(() => {{ const element = document.querySelector({selector:?}); element.scrollIntoView({{ block: 'nearest', behavior: 'instant' }}); \
             const box = element.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Lets the page see a preference, as in `prefers-color-scheme` `dark`.
    pub(crate) fn prefer(&mut self, feature: &str, value: &str) {
        let features = json!([{ "name": feature, "value": value }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Errors and warnings in the console, and exceptions, since the page was opened.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        // An answer comes after every event that was sent before it.
        self.evaluate("0");
        let complaint = |(method, event): &(String, Value)| match method.as_str() {
            "Runtime.exceptionThrown" => Some(event["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if event["type"] != "log" => Some(event["args"].to_string()),
            "Log.entryAdded" => Some(event["entry"].to_string()),
            _ => None,
        };
        self.events.iter().filter_map(complaint).collect()
    }

    /// Returns everything that the page asked for since it was opened, itself included.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        self.evaluate("0");
        let asked = self
            .events
            .iter()
            .filter(|(method, _)| method == "Network.requestWillBeSent");
        asked
            .map(|(_, event)| event["request"]["url"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket
            .send(Message::text(message.to_string()))
            .expect("chromium listens");
        loop {
            let answer = self.receive();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// Returns the next message; events are kept.
    fn receive(&mut self) -> Value {
        let message = self.socket.read().expect("chromium answers in time");
        let value: Value = serde_json::from_str(message.to_text().expect("text")).expect("JSON");
        if let Some(method) = value["method"].as_str() {
            self.events.push((method.to_owned(), value["params"].clone()));
        }
        value
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let closing = json!({ "id": 0, "method": "Browser.close" }).to_string();
        // It may be gone already; then there is nothing to close.
        if self.socket.send(Message::text(closing)).is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// Tells where DevTools listens: a line among those that chromium writes when it starts.
fn address(complaints: &mut impl BufRead) -> String {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        let read = complaints.read_line(&mut line).expect("readable");
        assert!(read > 0, "chromium ended before it listened:\n{said}");
        if let Some(address) = line.trim().strip_prefix("DevTools listening on ") {
            return address.to_owned();
        }
        said.push_str(&line);
    }
}
