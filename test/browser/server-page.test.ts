// The pages of a server and of a client of it in a real browser, with a real kernel's NFS behind them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, openBrowser, type BrowserPage as Page } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { openStatusScene, type StatusScene } from "../support/status-scene.ts";

const chromium = findChromium();
/** Where pictures of the pages go; without it none are made. */
const pictures = process.env["NFS_INIT_PICTURES"];
const patient = { timeoutMs: 60_000 };
const text = "document.querySelector('main')?.innerText ?? ''";

// Without a Chromium in PATH or CHROMIUM there is nothing to look at it with.
describe.skipIf(chromium === undefined)("in Chromium", () => {
  let scene: StatusScene | undefined;
  beforeAll(async () => {
    scene = await openStatusScene();
  }, 300_000);
  afterAll(() => scene?.stop());

  async function open(url: string | undefined): Promise<Page> {
    const page = await openBrowser(chromium ?? "");
    await page.call("Page.navigate", { url });
    const live = "document.getElementById('live')?.className";
    await eventually("it is live", async () => (await page.evaluate(live)) === "on", patient);
    return page;
  }

  /** Fits, light and dark, on a telephone and on a desk. */
  async function expectFit(page: Page, name: string): Promise<void> {
    for (const value of ["light", "dark"]) {
      await page.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
      for (const width of [390, 1280]) {
        const size = { width, height: 400, deviceScaleFactor: 1, mobile: width < 500 };
        await page.call("Emulation.setDeviceMetricsOverride", size);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
        if (pictures === undefined) continue;
        const { data } = await page.call("Page.captureScreenshot", { captureBeyondViewport: true });
        mkdirSync(pictures, { recursive: true });
        writeFileSync(join(pictures, `${name}-${value}-${width}.png`), Buffer.from(String(data), "base64"));
      }
    }
  }

  it("the page of a server has its exports with their room, its clients and what they hold", async () => {
    const page = await open(scene?.serverUrl);
    await eventually("rates", async () => /Operations\n[\d.]+\/s/.test(String(await page.evaluate(text))), patient);
    const said = String(await page.evaluate(text));
    expect(said).toContain("2 exports served");
    expect(said).toMatch(/\/export\/media\n+served\n+41\.0 MiB used \(65 %\)/);
    expect(said).toMatch(/10\.77\.0\.12\n+2 open, 1 locked: .*film\.mkv/);
    expect(said).toMatch(/10\.77\.0\.11\n+\d open: .*wal/);
    expect(said).toMatch(/\d+ operations, [\d.]+ .?i?B read, [\d.]+ .?i?B written in all/);
    await expectFit(page, "server");
    expect(page.complaints).toEqual([]);
  });

  it("the page of a client has its shares with their room and traffic", async () => {
    const page = await open(scene?.clientUrl);
    await eventually(
      "round trips",
      async () => /Round trip\n[\d.]+ ms/.test(String(await page.evaluate(text))),
      patient,
    );
    const said = String(await page.evaluate(text));
    expect(said).toContain("1 of 3 shares not ready");
    expect(said).toMatch(/\/srv\/media\n+healthy\n+nas\.lan:\/export\/media · version 4\.2\n+41\.0 MiB used \(65 %\)/);
    expect(said).toMatch(/\/srv\/archive\n+waiting\n+archive\.lan:\/cold · optional\n+.*refused/);
    expect(said).toMatch(/\/var\/lib\/postgresql\n+waiting → mounted/);
    await expectFit(page, "client");
    expect(page.complaints).toEqual([]);
  });
});
