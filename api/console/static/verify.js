// The verify page with scripts: sorts the chosen files, hashes originals in a worker, sends receipt, record or disclosure
// and digests, and shows the server's answer. Without this file the form works as an ordinary upload.

const PARSED = 2 << 20; // larger than any receipt, record or disclosure may be: an original file for certain
const FIELDS = ["identifier", "shown", "at"];
let chosen = []; // {file, kind, text?, digests?}: kept when the language changes
let asked = null; // the last request that was answered: {json} or {file}
let told = null; // or why nothing was asked: {key, fill}
let page = {}; // the elements of the page as it is now

document.documentElement.classList.add("scripted");
setUp();
if (location.hash.length > 1) {
  // What a QR code brought: it stays in the page, and out of the history.
  page.form.elements.identifier.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  check();
}

function setUp() {
  const by = (id) => document.getElementById(id);
  const form = by("check");
  page = { form, input: by("files"), list: by("chosen-list"), progress: by("progress"), bar: by("bar"), result: by("result") };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  page.input.addEventListener("change", async () => {
    await add(page.input.files);
    page.input.value = ""; // so that the same file can be chosen again, and the form never carries it
  });
  const drop = by("drop");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  page.result.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
  document.querySelector("a.lang").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    speak(event.currentTarget.href);
  });
}

const words = (name) => page.form.dataset[name];
const kindOf = (kind) => words(`kind${kind[0].toUpperCase()}${kind.slice(1)}`);

// Something that the page itself has to say, in whichever language it is in when it says it.
class Told extends Error {
  constructor(key, fill = {}) {
    super(key);
    this.fill = fill;
  }

  text() {
    return words(this.message)
      .replace("{kind}", this.fill.kind ? kindOf(this.fill.kind) : "")
      .replace("{name}", this.fill.name ?? "");
  }
}

const JWT = /^eyJ[\w-]+\.[\w-]+\.[\w-]+\s*$/;
const BUNDLE = /^PK\x03\x04[^]{26}(disclosures|receipts|events)\//;

// Strict decoding: a byte order mark or broken UTF-8 must reach the server's judgement as it is, or count as a file.
async function sorted(file) {
  const start = new TextDecoder("latin1").decode(await file.slice(0, 64).arrayBuffer());
  if (BUNDLE.test(start)) return { file, kind: "bundle" };
  if (file.size <= PARSED) {
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
      if (JWT.test(text) || file.name.toLowerCase().endsWith(".vc.jwt")) return { file, kind: "credential" };
      if (text.startsWith("c2sp.org/tlog-proof@v1")) return { file, kind: "receipt", text };
      const value = JSON.parse(text.replace(/^\uFEFF/, ""));
      if (value && typeof value === "object" && !Array.isArray(value)) {
        if (value.format === "chuzheng-receipt/1") return { file, kind: "receipt", text };
        if (value.format === "chuzheng-disclosure/1") return { file, kind: "disclosure", text };
        if (String(value.format).startsWith("chuzheng-")) return { file, kind: "foreign" };
        if (typeof value.schema === "string" && typeof value.kind === "string" && "issuer" in value) {
          return { file, kind: "record", text };
        }
      }
    } catch {
      // not JSON: an original file
    }
    for (const kind of ["receipt", "disclosure", "record"]) {
      if (file.name.toLowerCase().endsWith(`.${kind}.json`)) return { file, kind, text: await file.text() };
    }
  }
  return { file, kind: "file" };
}

async function add(files) {
  for (const file of files) chosen.push(await sorted(file));
  show();
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function show() {
  page.list.replaceChildren(
    ...chosen.map((item, place) => {
      const line = element("li", item.kind === "foreign" ? "foreign" : "");
      const remove = element("button", "quiet small", words("remove"));
      remove.type = "button";
      remove.setAttribute("aria-label", `${words("remove")} ${item.file.name}`);
      remove.addEventListener("click", () => {
        chosen.splice(place, 1);
        show();
        page.input.focus();
      });
      line.append(element("span", "kind", kindOf(item.kind)), element("span", "name", item.file.name), remove);
      return line;
    }),
  );
  document.getElementById("chosen").hidden = chosen.length === 0;
}

function digests(item) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/static/digest-worker.js", { type: "module" });
    const end = (act, value) => {
      worker.terminate();
      act(value);
    };
    worker.onerror = () => end(reject, new Told("unreadable"));
    worker.onmessage = ({ data }) => {
      if (data.digests) end(resolve, data.digests);
      else if (data.failed) end(reject, new Told("unreadable"));
      else {
        const percent = Math.floor((100 * data.progress) / item.file.size);
        if (percent === page.bar.value) return;
        page.bar.hidden = false;
        page.bar.value = percent;
        page.progress.textContent = words("hashing").replace("{percent}", percent);
      }
    };
    worker.postMessage(item.file);
  });
}

// What goes to the server as it is: a picture that nothing came with (not every browser reads a QR code), a credential
// or an evidence bundle, which bring all that they are about.
function whole() {
  const alone = chosen.find((item) => item.kind === "credential" || item.kind === "bundle");
  if (alone && chosen.length > 1) throw new Told("single");
  if (alone) return alone.file;
  const only = chosen.length === 1 && chosen[0].kind === "file" ? chosen[0].file : null;
  return only && /\.(png|jpe?g|gif|bmp|webp)$/i.test(only.name) ? only : null;
}

async function gathered() {
  const file = whole();
  if (file) return { file };
  const request = {};
  for (const item of chosen) {
    if (item.kind === "foreign") throw new Told("foreign", { name: item.file.name });
    if (item.kind in request) throw new Told("two", { kind: item.kind });
    request[item.kind] = item.kind === "file" ? true : item.text;
  }
  for (const name of FIELDS) {
    const value = page.form.elements[name].value.trim();
    if (value) request[name] = value;
  }
  if (Object.keys(request).every((name) => name === "at" || name === "shown")) throw new Told("nothing");
  if ((request.file || request.record) && !request.receipt && !request.disclosure) {
    throw new Told(request.record ? "missing" : "alone");
  }
  for (const item of chosen.filter((one) => one.kind === "file")) {
    request.file = item.digests ??= await digests(item); // last: it may take long
  }
  return { json: request };
}

async function send({ json, file }, address) {
  const headers = { Accept: "text/html" };
  let body = JSON.stringify(json);
  if (file) {
    body = new FormData();
    body.append("files", file);
    body.append("at", page.form.elements.at.value);
  } else headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(address, { method: "POST", headers, body });
    if ((answer.headers.get("Content-Type") || "").startsWith("text/html")) {
      const html = await answer.text();
      // A form is answered with the whole page.
      return file ? new DOMParser().parseFromString(html, "text/html").getElementById("result").innerHTML : html;
    }
  } catch {
    // the same as an answer that isn't ours
  }
  throw new Told("failed");
}

async function check() {
  const button = page.form.querySelector("button[type=submit]");
  button.disabled = true;
  asked = told = null;
  try {
    const request = await gathered();
    page.progress.textContent = words("sending");
    const answer = await send(request, page.form.action);
    asked = request;
    say(answer);
  } catch (error) {
    told = error instanceof Told ? error : new Told("failed");
    sayProblem();
  } finally {
    page.progress.textContent = "";
    page.bar.hidden = true;
    button.disabled = false;
  }
}

function say(html, quietly) {
  const found = new DOMParser().parseFromString(html, "text/html");
  page.result.replaceChildren(...found.body.childNodes);
  if (quietly) return;
  page.result.scrollIntoView({ block: "start" });
  page.result.querySelector("h1")?.focus({ preventScroll: true });
}

function sayProblem(quietly) {
  const box = element("article", "result tone-warn");
  const head = element("header", "verdict");
  const inner = element("div");
  const title = element("h1", "", words("problem"));
  title.tabIndex = -1;
  title.id = "verdict";
  box.setAttribute("aria-labelledby", "verdict");
  inner.append(title, element("p", "sentence", told.text()));
  head.append(document.getElementById("warn-sign").content.cloneNode(true), inner);
  box.append(head);
  page.result.replaceChildren(box);
  if (quietly) return;
  page.result.scrollIntoView({ block: "start" });
  title.focus({ preventScroll: true });
}

// The other language, with the files, the fields and the result as they are. A plain link where anything goes wrong.
async function speak(address) {
  const fields = FIELDS.map((name) => page.form.elements[name].value);
  const open = page.result.querySelector("details")?.open;
  const scrolled = window.scrollY;
  let other;
  let answer;
  try {
    const got = await fetch(address);
    if (!got.ok) throw new Error();
    other = new DOMParser().parseFromString(await got.text(), "text/html");
    if (asked) answer = await send(asked, other.getElementById("check").getAttribute("action"));
  } catch {
    window.location.href = address;
    return;
  }
  document.documentElement.lang = other.documentElement.lang;
  document.title = other.title;
  document.body.replaceWith(document.adoptNode(other.body));
  history.replaceState(null, "", address);
  setUp();
  FIELDS.forEach((name, place) => (page.form.elements[name].value = fields[place]));
  show();
  if (answer) say(answer, true);
  else if (told) sayProblem(true);
  if (open) page.result.querySelector("details").open = true;
  window.scrollTo(0, scrolled);
  document.querySelector("a.lang").focus({ preventScroll: true });
}
