// The images without a share: entrypoint, exit codes, signals, and what they say when they may not mount.
import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { patience, start } from "./containers.ts";
import { buildClient, clientImages, measureClient } from "./images.ts";

const share = { NFS_HOST: "203.0.113.1", NFS_MOUNT_POINT: "/data", NFS_FSTAB: "none" };

describe.each(clientImages)("the image of Dockerfile.%s", (name) => {
  let image = "";
  beforeAll(async () => {
    image = await buildClient(name);
  });

  const ended = async (options: Omit<Parameters<typeof start>[0], "image">) => {
    const container = await start({ image, ...options });
    await eventually("the end of the container", async () => !(await container.inspect()).running, patience);
    return { exitCode: (await container.inspect()).exitCode, logs: container.logs };
  };

  it("is its base and the executable", async () => {
    const { addedBytes, executableBytes } = await measureClient(name, image);
    console.log(`Dockerfile.${name}: ${(addedBytes / 1e6).toFixed(1)} MB over its base, unpacked`);
    expect(addedBytes).toBeGreaterThanOrEqual(executableBytes);
    expect(addedBytes - executableBytes).toBeLessThan(0.1e6);
  });

  it("runs nfs-init as PID 1 and the command as its child", async () => {
    const script = "echo $PPID; tr '\\0' ' ' < /proc/1/cmdline; exit 42";
    const { exitCode, logs } = await ended({ command: ["sh", "-c", script] });
    expect(exitCode).toBe(42);
    await eventually("the output", async () => (await logs()).startsWith("1\nnfs-init -- sh "), patience);
  });

  it("ends with 128+n when a signal ends the command", async () => {
    expect((await ended({ command: ["sh", "-c", "kill -USR1 $$"] })).exitCode).toBe(138);
  });

  it("passes the stop signal on, and docker stop does not wait for its time to run out", async () => {
    const container = await start({
      image,
      command: ["sh", "-c", "trap 'exit 7' TERM QUIT; echo ready; while :; do sleep 0.1; done"],
    });
    await eventually("the command", async () => (await container.logs()).includes("ready"), patience);
    const before = Date.now();
    await container.stop(60);
    expect(Date.now() - before).toBeLessThan(30_000);
    expect((await container.inspect()).exitCode).toBe(7);
  });

  it("ends with 32 without CAP_SYS_ADMIN, names it, and asks no server", async () => {
    const { exitCode, logs } = await ended({ command: ["true"], environment: share });
    expect(exitCode).toBe(32);
    await eventually("the reason", async () => (await logs()).includes("lacks the capability CAP_SYS_ADMIN"), patience);
    expect(await logs()).toContain("--cap-add SYS_ADMIN");
  });

  it("ends with 78 for a wrong configuration", async () => {
    const { exitCode, logs } = await ended({ command: ["true"], environment: { ...share, NFS_VERSION: "5" } });
    expect(exitCode).toBe(78);
    await eventually("the reason", async () => (await logs()).includes("NFS_VERSION"), patience);
  });
});
