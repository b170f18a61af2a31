// The page of status in a real browser, with a running nfs-init behind it.
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { findChromium, openBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needRoot, ordinary, temporaryDirectory } from "../support/process.ts";
import { startPublishing } from "../support/published.ts";

const chromium = findChromium();

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function open() {
  const port = await freePort();
  const running = startPublishing(ordinary, temporaryDirectory(), { NFS_LISTEN: `:${port}` });
  await eventually("it listens", () => running.stderr().includes("answering over HTTP"));
  const page = await openBrowser(chromium ?? "");
  return { running, page, url: `http://127.0.0.1:${port}/` };
}

const liveClass = "document.getElementById('live')?.className";
const patient = { timeoutMs: 40_000 };

// Without a Chromium in PATH or CHROMIUM there is nothing to look at it with.
describe.skipIf(chromium === undefined)("the page of status in Chromium", () => {
  needRoot("mounting");

  it("is live, and says when the instance is gone", async () => {
    const { running, page, url } = await open();
    await page.call("Page.navigate", { url });
    await eventually("it is live", async () => (await page.evaluate(liveClass)) === "on", patient);
    expect(await page.evaluate("document.querySelector('h1').textContent")).toBe("1 share not ready");
    const up = "document.querySelector('.about').textContent";
    const before = await page.evaluate(up);
    await eventually("it goes on", async () => (await page.evaluate(up)) !== before, patient);
    expect(page.complaints).toEqual([]);
    running.stdin.end();
    await running.ended;
    await eventually("it says so", async () => (await page.evaluate(liveClass)) === "off", patient);
    expect(await page.evaluate("document.querySelector('h1').textContent")).toBe("1 share not ready");
  });

  it.each([
    ["light", 390],
    ["light", 1440],
    ["dark", 390],
    ["dark", 1440],
  ])("fits, %s, into %d pixels without scripts", async (scheme, width) => {
    const { page, url } = await open();
    await page.call("Emulation.setScriptExecutionDisabled", { value: true });
    await page.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await page.call("Emulation.setDeviceMetricsOverride", {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: width < 500,
    });
    await page.call("Page.navigate", { url });
    const heading = "document.querySelector('h1')?.textContent";
    await eventually("the page", async () => (await page.evaluate(heading)) === "1 share not ready", patient);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    const ground = scheme === "light" ? "rgb(244, 246, 248)" : "rgb(14, 17, 22)";
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(ground);
    expect(page.complaints).toEqual([]);
  });
});
