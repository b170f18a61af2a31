// Runs the container tests: on the Docker that answers here, or else, on Linux x64, on one inside the lab's kernel, with images made of its own root.
import { createConnection } from "node:net";
import { execa } from "execa";
import { unpackPackages } from "../../scripts/debian/unpack.ts";
import { bootLab } from "../support/lab/lab.ts";

const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", "container", ...process.argv.slice(2)];

process.exitCode = (await hasDocker()) ? await runHere() : await runInLab();

async function hasDocker(): Promise<boolean> {
  if (process.env["DOCKER_HOST"] !== undefined) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection("/var/run/docker.sock", () => resolve(true)).on("error", () => resolve(false));
  const answers = await promise;
  socket.destroy();
  return answers;
}

async function runHere(): Promise<number> {
  const { exitCode = 1 } = await execa(process.execPath, vitest, { stdio: "inherit", reject: false });
  return exitCode;
}

/**
 * The lab's kernel has all that Docker needs, and NFS. Node and the tests run in it too, so no network leads out of it. It takes minutes:
 * everything is some five times slower there.
 */
async function runInLab(): Promise<number> {
  console.log("no Docker answers here: starting one in the lab");
  await unpackPackages("docker", [
    { names: ["docker.io", "containerd", "runc", "libseccomp2", "libatomic1", "libstdc++6", "libgcc-s1"] },
  ]);
  const lab = await bootLab({ memory: "3G", lifetimeMs: 40 * 60_000 });
  try {
    await lab.sh("bash /lab/project/test/container/lab-docker.sh", { timeoutMs: 300_000 });
    const job = lab.start(
      [
        "cd /lab/project",
        "export LD_LIBRARY_PATH=/lab/project/node_modules/.cache/nfs-init/docker/usr/lib/x86_64-linux-gnu:/lab/project/node_modules/.cache/nfs-init/docker/lib/x86_64-linux-gnu",
        "export TESTCONTAINERS_RYUK_DISABLED=true TEST_BASE_UBUNTU=lab TEST_BASE_SERVER=lab TEST_BASE_STAND_IN=lab TEST_BASE_ALPINE=none TEST_SLOWNESS=10 CI=1",
        `export DEBUG="${process.env["DEBUG"] ?? ""}"`,
        `exec node_modules/.bin/node ${vitest.map((word) => `'${word}'`).join(" ")} --configLoader runner`,
      ].join("\n"),
    );
    let shown = 0;
    const show = () => {
      const said = job.stdout() + job.stderr();
      process.stdout.write(said.slice(shown));
      shown = said.length;
    };
    const timer = setInterval(show, 1000);
    const { exitCode } = await job.done;
    clearInterval(timer);
    show();
    return exitCode;
  } finally {
    await lab.stop();
  }
}
