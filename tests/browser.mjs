// Run by tests/browser.sh, which says what this is.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

async function open(name, { width = 1280, scheme = "light", script = true } = {}) {
  const page = await browser.newPage();
  const url = pathToFileURL(name + ".html").href;
  const trouble = [];
  page.on("console", (message) => trouble.push("console: " + message.text()));
  page.on("pageerror", (error) => trouble.push("error: " + error.message));
  page.on("request", (request) => request.url() === url || trouble.push("request: " + request.url()));
  page.on("dialog", (dialog) => { trouble.push("dialog: " + dialog.message()); dialog.dismiss(); });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setJavaScriptEnabled(script);
  await page.goto(url, { waitUntil: "load" });
  return { page, trouble };
}
const rows = (page) => page.$$eval("#rows > tr", (all) => all.length);
const count = (page) => page.$eval("#count", (element) => element.textContent);

for (const name of ["hostile", "later"]) {
  for (const width of [1280, 400]) {
    for (const scheme of ["light", "dark"]) {
      const { page, trouble } = await open(name, { width, scheme });
      assert.equal(await page.evaluate("window.hacked"), undefined);
      assert.equal(await page.$$eval("img, iframe, svg[onload]", (all) => all.length), 0);
      const wide = await page.evaluate("document.documentElement.scrollWidth");
      assert.ok(wide <= width, `${name} at ${width}: ${wide} wide`);
      const paper = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      assert.equal(paper, scheme === "light" ? "rgb(255, 255, 255)" : "rgb(15, 19, 23)");
      await page.screenshot({ path: `${name}-${width}-${scheme}.png`, fullPage: true });
      assert.deepEqual(trouble, []);
      await page.close();
    }
  }
}

{
  const { page, trouble } = await open("hostile");
  await page.keyboard.press("/");
  await page.keyboard.type("kubelet W1");
  assert.match(await count(page), /^2 of \d+ certificates$/);
  assert.equal(await rows(page), 2);
  await page.keyboard.press("Enter");
  assert.equal(await rows(page), 2, "Enter sends nothing");
  await page.$eval("#search", (search) => search.select());
  await page.keyboard.type("hacked");
  assert.equal(await rows(page), await page.evaluate(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    return data.subjects.filter((subject) => subject.includes("hacked")).length
      + data["issuers"].filter((issuer, i) => !data.subjects[i].includes("hacked") && data.texts[issuer].includes("hacked")).length;
  }));
  await page.screenshot({ path: "search.png" });
  await page.$eval("#search", (search) => search.select());
  await page.keyboard.press("Backspace");
  // From the field on: the table's region, then its headings.
  const focused = () => page.evaluate(() => document.activeElement.dataset.column ?? document.activeElement.className);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "wide");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "name");
  const names = () => page.$$eval("#rows th", (all) => all.map((cell) => cell.textContent));
  await page.keyboard.press("Enter");
  assert.equal(await page.$eval("#table th", (th) => th.ariaSort), "ascending");
  assert.deepEqual(await names(), [...await names()].sort());
  await page.keyboard.press("Space");
  assert.equal(await page.$eval("#table th", (th) => th.ariaSort), "descending");
  assert.deepEqual(await names(), [...await names()].sort().reverse());
  await page.focus("#rows .details");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#rows .facts-of-one dl");
  await page.screenshot({ path: "details.png" });
  await page.keyboard.press("Enter");
  assert.equal(await page.$("#rows .facts-of-one"), null);
  await page.pdf({ path: "print.pdf", format: "A4", printBackground: true });
  assert.deepEqual(trouble, []);
  await page.close();
  console.log("search, sorting, details and print: by keyboard, nothing on the console, no request");
}

{
  const { page } = await open("hostile", { script: false });
  assert.ok(await page.$eval("noscript table", (table) => table.offsetHeight > 0));
  assert.ok(await page.$eval("#finder", (finder) => finder.offsetHeight === 0));
  await page.screenshot({ path: "no-script.png", fullPage: true });
  await page.close();
  console.log("without a script: the first to expire are there");
}

{
  const { page, trouble } = await open("large");
  assert.equal(await rows(page), 100);
  // Since the navigation began: the last script has run and the rows are drawn.
  const opened = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
  console.log(`large: ${await count(page)}`);
  console.log(`large: open, rows drawn: ${opened.toFixed(0)} ms`);
  const measure = async (what, action) => {
    const [computed, painted] = await page.evaluate(`(async () => {
      const begin = performance.now();
      ${action}
      document.body.getBoundingClientRect();
      const computed = performance.now() - begin;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return [computed, performance.now() - begin];
    })()`);
    console.log(`large: ${what}: ${computed.toFixed(0)} ms, on the screen after ${painted.toFixed(0)} ms`);
    assert.ok(painted < 1000, what);
  };
  const type = (text) => `const s = document.getElementById("search"); s.value = ${JSON.stringify(text)}; s.dispatchEvent(new Event("input"));`;
  assert.ok(opened < 1000, "opens in under a second");
  for (const word of ["w", "worker-09999", "system:nodes 04242", "no such thing", ""]) {
    await measure(`search ${JSON.stringify(word)}`, type(word));
  }
  await measure("sort by name", `document.querySelector("[data-column=name]").click();`);
  await measure("sort by subject", `document.querySelector("[data-column=subject]").click();`);
  await page.focus("#more");
  await page.keyboard.press("Enter");
  assert.equal(await rows(page), 600);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll("#rows .details")].indexOf(document.activeElement)), 100);
  assert.deepEqual(trouble, []);
  await page.screenshot({ path: "large.png" });
  await page.close();
}
await browser.close();
