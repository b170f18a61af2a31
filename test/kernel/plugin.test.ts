// nfs-init as a driver of Docker volumes: the daemon's calls on its socket, with a real server behind it.
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { logged, logLines, quote, server } from "../support/box.ts";
import { eventually } from "../support/eventually.ts";
import { everyCombination } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import type { Job } from "../support/lab/lab.ts";
import { prepareSamba } from "../support/lab/samba.ts";
import { undoFaults } from "../support/losses.ts";
import { bodyOf, enter, type Call, type Known } from "../support/volume-model.ts";
import { random } from "../unit/fakes/random.ts";

const { lab } = kernelSuite();

const volumes = "/var/lib/nfs-init/volumes";
const socket = "/run/docker/plugins/nfs-init.sock";

/** The machine on which the daemon would run: it goes on when the plugin ends. */
let host: Job;
let plugin: Job | undefined;

beforeEach(async () => {
  host = lab().start("container c1 --name host -- sleep 100000");
  await eventually("the host", async () => (await onHost("true")).exitCode === 0);
});
afterEach(async () => {
  await lab().sh(undoFaults);
  await host.signal("SIGKILL");
  await lab().run("container_signal host KILL");
  await host.done;
  plugin = undefined;
});

const onHost = (script: string) => lab().run(`container_exec host sh -c ${quote(script)}`, { timeoutMs: 60_000 });
const said = async (script: string) => (await onHost(script)).stdout.trim();

async function start(env: Readonly<Record<string, string>> = {}): Promise<Job> {
  const variables = Object.entries({ NFS_WATCH_INTERVAL: "500ms", NFS_WAIT_TIMEOUT: "5s", ...env })
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(" ");
  const job = lab().start(`container_exec host env ${variables} nfs-init plugin`);
  await logged(job, "answering Docker");
  plugin = job;
  return job;
}

const signal = async (name: string) => {
  await onHost(`pkill -${name} -x nfs-init`);
  return plugin?.done;
};

interface Answer {
  readonly Err?: string;
  readonly Mountpoint?: string;
  readonly Volume?: { readonly Name: string; readonly Mountpoint: string; readonly Status: Record<string, unknown> };
  readonly Volumes?: readonly { readonly Name: string }[];
  readonly Implements?: readonly string[];
  readonly Capabilities?: unknown;
}

/** A call as the daemon makes it: without a Content-Type, with an empty Host. */
async function call(operation: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const path = operation === "Activate" ? "/Plugin.Activate" : `/VolumeDriver.${operation}`;
  const curl = `curl -sS --max-time 55 --unix-socket ${socket} -H 'Host;' -H 'Content-Type:' --data-binary @- -X POST http://plugin${path}`;
  return JSON.parse(await said(`printf %s ${quote(text)} | ${curl}`)) as Answer;
}

const create = (name: string, options: Readonly<Record<string, string>> = { share: `${server}:/srv/exp` }) =>
  call("Create", { Name: name, Opts: options });
const mount = (name: string, id: string) => call("Mount", { Name: name, ID: id });
const unmount = (name: string, id: string) => call("Unmount", { Name: name, ID: id });
const mounted = async () => Number(await said("grep -c ' - nfs' /proc/self/mountinfo"));

describe("a volume", () => {
  it("is created, found, mounted, read, given back and removed", async () => {
    await start();
    expect(await call("Activate")).toEqual({ Implements: ["VolumeDriver"] });
    expect(await call("Capabilities", {})).toEqual({ Capabilities: { Scope: "local" }, Err: "" });
    expect((await call("Get", { Name: "data" })).Err).toBe("no such volume: data");
    expect(await create("data")).toEqual({ Err: "" });
    expect((await call("Get", { Name: "data" })).Volume).toMatchObject({
      Name: "data",
      Mountpoint: "",
      Status: { state: "unused", source: `${server}:/srv/exp`, references: 0 },
    });
    expect(await mount("data", "one")).toEqual({ Mountpoint: `${volumes}/data`, Err: "" });
    expect(await said(`cat ${volumes}/data/hello`)).toBe("hello");
    expect(await call("Path", { Name: "data" })).toEqual({ Mountpoint: `${volumes}/data`, Err: "" });
    expect((await call("List")).Volumes?.map(({ Name }) => Name)).toEqual(["data"]);
    await eventually("the state", async () =>
      /^data +10\.77\.0\.1:\/srv\/exp +mounted +1$/m.test(await said("nfs-init status")),
    );
    expect(await unmount("data", "one")).toEqual({ Err: "" });
    expect(await mounted()).toBe(0);
    expect(await call("Remove", { Name: "data" })).toEqual({ Err: "" });
    expect((await call("List")).Volumes).toEqual([]);
  });

  it("stays mounted until its last user gives it back, however often each has it", async () => {
    await start();
    await create("data");
    await mount("data", "one");
    await mount("data", "two");
    // docker cp into a container that runs.
    await mount("data", "one");
    await unmount("data", "one");
    await unmount("data", "two");
    expect(await mounted()).toBe(1);
    await unmount("data", "one");
    expect(await mounted()).toBe(0);
    expect(await unmount("data", "nobody")).toEqual({ Err: "" });
  });

  it.runIf(everyCombination).each([
    ["is counted from the beginning for a daemon that was killed and mounts again", true],
    ["that a daemon gives back which has not mounted it itself is given back whole", false],
  ])("%s", async (_, mountsAgain) => {
    await start();
    await create("data");
    await mount("data", "one");
    await mount("data", "one");
    await call("Activate");
    if (mountsAgain) await mount("data", "one");
    await unmount("data", "one");
    expect(await mounted()).toBe(0);
  });

  it("that only a daemon before had is taken down once no container has it any more", async () => {
    await start();
    await create("held");
    await create("left", { share: `${server}:/srv/exp2` });
    await mount("held", "one");
    await mount("left", "two");
    // As a container has it: on a path of its own, in a mount namespace of its own.
    const container = lab().start(
      `container_exec host unshare -m sh -c 'mount --bind ${volumes}/held /mnt && umount ${volumes}/held && echo it has it && exec sleep 100000'`,
    );
    await eventually("the container", () => container.stdout().includes("it has it"), { timeoutMs: 30_000 });
    await call("Activate");
    await eventually("the end of the one", async () => (await mounted()) === 1, { timeoutMs: 30_000 });
    expect(await said(`cat ${volumes}/held/hello`)).toBe("hello");
    expect((await call("Get", { Name: "held" })).Volume?.Status).toMatchObject({ state: "mounted", references: 1 });
    await container.signal("SIGKILL");
    await eventually("the end of the other", async () => (await mounted()) === 0, { timeoutMs: 30_000 });
    expect((await call("Get", { Name: "held" })).Volume?.Status).toMatchObject({ state: "unused", references: 0 });
  });

  it("that somebody has unmounted is mounted afresh for the next who comes, though nobody has looked since", async () => {
    await start({ NFS_WATCH_INTERVAL: "1h" });
    await create("data");
    await mount("data", "one");
    await said(`umount -l ${volumes}/data`);
    expect(await mount("data", "two")).toEqual({ Mountpoint: `${volumes}/data`, Err: "" });
    expect(await said(`cat ${volumes}/data/hello`)).toBe("hello");
  });

  it("is removed although a user was forgotten", async () => {
    await start();
    await create("data");
    await mount("data", "one");
    expect(await call("Remove", { Name: "data" })).toEqual({ Err: "" });
    expect(await mounted()).toBe(0);
  });

  it.runIf(everyCombination)("may be created twice alike, and not with other options", async () => {
    await start();
    expect(await create("data")).toEqual({ Err: "" });
    expect(await create("data")).toEqual({ Err: "" });
    expect((await create("data", { share: `${server}:/srv` })).Err).toMatch(/other options/);
  });

  it("is described as Docker's own driver has it, and by its name alone", async () => {
    await start();
    const options = { type: "nfs", device: ":/srv/exp", o: `addr=${server},vers=4.2,ro` };
    expect(await create("as-local", options)).toEqual({ Err: "" });
    expect(await mount("as-local", "one")).toEqual({ Mountpoint: `${volumes}/as-local`, Err: "" });
    expect(await said(`touch ${volumes}/as-local/x 2>&1`)).toMatch(/Read-only/);
    expect(await create(`${server}/srv/exp`, {})).toEqual({ Err: "" });
    const { Mountpoint } = await mount(`${server}/srv/exp`, "one");
    expect(await said(`cat ${quote(Mountpoint ?? "")}/hello`)).toBe("hello");
  });

  it("is refused with what cannot be meant, and nothing is kept of it", async () => {
    await start();
    const refused = [
      [{ share: "nas:/x", password: "s3cret" }, /password=\*\*\* is refused.*credentials=FILE/],
      [{ share: "nas:/x", subdir: "../etc" }, /subdir="\.\.\/etc" is refused/],
      [{}, /share is not set.*NFS_PLUGIN_STORE/],
      [{ share: "nowhere" }, /accepted as SOURCE/],
    ] as const;
    for (const [options, reason] of refused) expect((await create("data", options)).Err).toMatch(reason);
    expect((await call("List")).Volumes).toEqual([]);
    expect(plugin?.stderr()).not.toContain("s3cret");
  });
});

describe("a directory of a volume's own", () => {
  const inStore = { NFS_PLUGIN_STORE: `${server}:/srv/exp` };

  it("is made in the store with owner and mode, and its files stay when the volume goes", async () => {
    await start(inStore);
    expect(await create("app", { owner: "1000:1001", mode: "0750" })).toEqual({ Err: "" });
    await mount("app", "one");
    expect(await said(`stat -c '%u:%g %a' ${volumes}/app; echo kept >${volumes}/app/file; ls ${volumes}/app`)).toBe(
      "1000:1001 750\nfile",
    );
    expect(await mounted()).toBe(1);
    await unmount("app", "one");
    await call("Remove", { Name: "app" });
    expect(await lab().sh("in_ srv cat /srv/exp/app/file; in_ srv rm -r /srv/exp/app")).toBe("kept");
  });

  it("goes to the trash where that was asked for", async () => {
    await start(inStore);
    await create("app", { "on-remove": "delete" });
    await mount("app", "one");
    await said(`echo gone >${volumes}/app/file`);
    await unmount("app", "one");
    expect(await call("Remove", { Name: "app" })).toEqual({ Err: "" });
    expect(
      await lab().sh(
        "in_ srv sh -c 'ls /srv/exp; cat /srv/exp/.nfs-init-trash/app-*/file; rm -r /srv/exp/.nfs-init-trash'",
      ),
    ).toMatch(/^(?!.*\bapp\b)[^]*gone$/);
  });

  it("is refused where a link on the share leads elsewhere", async () => {
    await lab().sh("in_ srv ln -s /etc /srv/exp/link");
    await start(inStore);
    await create("bad", { subdir: "link/inner" });
    expect((await mount("bad", "one")).Err).toMatch(/symbolic link/);
    expect(await mounted()).toBe(0);
    await lab().sh("in_ srv rm /srv/exp/link");
  });
});

describe.runIf(everyCombination)("a share of CIFS", () => {
  const credentials = "/lab/state/volume.credentials";
  const media = { share: `//${server}/media`, credentials };

  beforeAll(async () => {
    await prepareSamba();
    await lab().sh("modprobe cifs");
  }, 300_000);
  beforeEach(async () => {
    await lab().sh(`printf 's3cret,1' >/lab/state/smb.password
printf 'username=app\\npassword=s3cret,1\\n' >${credentials}
. /lab/guest/samba.sh; smb_up`);
    // Samba takes its time.
    await start({ NFS_WAIT_TIMEOUT: "40s" });
  });
  afterEach(async () => {
    await lab().sh("smbs=$(pgrep -x smbd) && kill -KILL $smbs");
  });

  it("is a volume, with a password that neither Docker nor the list of volumes has", async () => {
    expect(await create("media", media)).toEqual({ Err: "" });
    expect(await mount("media", "one")).toEqual({ Mountpoint: `${volumes}/media`, Err: "" });
    expect(
      await said(`cat ${volumes}/media/hello; echo new >${volumes}/media/new; grep -c ' - cifs ' /proc/self/mountinfo`),
    ).toBe("hello\n1");
    expect(await lab().sh("in_ srv cat /srv/exp/smb/new; in_ srv rm /srv/exp/smb/new")).toBe("new");
    const { Volume } = await call("Get", { Name: "media" });
    expect(Volume?.Status).toMatchObject({ state: "mounted", source: `//${server}/media`, references: 1 });
    expect(await said("cat /var/lib/nfs-init/volumes.json /run/nfs-init/* 2>/dev/null | grep -c s3cret")).toBe("0");
    expect(plugin?.stderr()).not.toContain("s3cret");
    await unmount("media", "one");
    expect(await said("grep -c ' - cifs ' /proc/self/mountinfo")).toBe("0");
  });

  it("has directories of volumes' own, whose owner is refused where the server keeps none", async () => {
    await create("app", { ...media, subdir: "team/app" });
    expect(await mount("app", "one")).toEqual({ Mountpoint: `${volumes}/app`, Err: "" });
    await said(`echo mine >${volumes}/app/file`);
    expect(await lab().sh("in_ srv cat /srv/exp/smb/team/app/file; in_ srv rm -r /srv/exp/smb/team")).toBe("mine");
    await create("owned", { ...media, subdir: "owned", owner: "1000" });
    expect((await mount("owned", "one")).Err).toMatch(
      /owner and mode of owned.* cannot be set: it still shows the owner 0:0/,
    );
    await lab().sh("in_ srv rmdir /srv/exp/smb/owned");
  });

  it("is refused without somebody to be mounted as, with a password among the options, and with a wrong one", async () => {
    expect((await create("none", { share: `//${server}/media` })).Err).toMatch(
      /who the share is mounted as; .*the option credentials/,
    );
    const open = await create("open", { share: `//${server}/media`, o: "username=app,password=s3cret" });
    expect(open.Err).toMatch(/password/);
    expect(open.Err).not.toContain("s3cret");
    await lab().sh(`printf 'username=app\\npassword=wrong\\n' >${credentials}`);
    expect(await create("media", media)).toEqual({ Err: "" });
    expect((await mount("media", "one")).Err).toMatch(/refuses user or password/);
    expect(await said("grep -c ' - cifs ' /proc/self/mountinfo")).toBe("0");
    // It is read each time.
    await lab().sh(`printf 'username=app\\npassword=s3cret,1\\n' >${credentials}`);
    expect(await mount("media", "one")).toEqual({ Mountpoint: `${volumes}/media`, Err: "" });
  });
});

describe.runIf(everyCombination)("a file system of EFS", () => {
  const id = "fs-0123abcd";

  it("is a volume by its id, and by a name with its id", async () => {
    await lab().sh(`name set ${id}.efs.eu-west-1.amazonaws.com $SRV`);
    await start({ AWS_REGION: "eu-west-1" });
    expect(await create("data", { share: `${id}:/srv/exp` })).toEqual({ Err: "" });
    expect(await create(`${id}/srv/exp`, {})).toEqual({ Err: "" });
    for (const name of ["data", `${id}/srv/exp`]) {
      const { Mountpoint } = await mount(name, "one");
      expect(await said(`cat ${quote(Mountpoint ?? "")}/hello`)).toBe("hello");
      expect((await call("Get", { Name: name })).Volume?.Status).toMatchObject({
        state: "mounted",
        source: `${id}:/srv/exp`,
      });
    }
    expect(await said("grep -c 'vers=4.1.*timeo=600' /proc/self/mountinfo")).toBe("2");
  });

  it("that needs Amazon's tunnel is refused when it is created", async () => {
    await start();
    expect((await create("data", { share: id, o: "tls" })).Err).toMatch(/tunnel of Amazon's own mount helper/);
    expect((await call("List")).Volumes).toEqual([]);
  });
});

describe.runIf(everyCombination)("Docker", () => {
  it("that gives up a mount and asks again has it once", async () => {
    await start();
    await create("data");
    await lab().sh("srv_down");
    const body = quote(JSON.stringify({ Name: "data", ID: "one" }));
    await said(`curl -s --max-time 1 --unix-socket ${socket} -d ${body} http://plugin/VolumeDriver.Mount || :`);
    await lab().sh("srv_up");
    expect(await mount("data", "one")).toEqual({ Mountpoint: `${volumes}/data`, Err: "" });
    expect(await unmount("data", "one")).toEqual({ Err: "" });
    expect(await mounted()).toBe(0);
  });

  it("that does not know of a removal is told so, and may give back what it had", async () => {
    await start();
    await create("data");
    await mount("data", "one");
    await call("Remove", { Name: "data" });
    const none = "no such volume: data";
    expect((await call("Get", { Name: "data" })).Err).toBe(none);
    expect((await call("Path", { Name: "data" })).Err).toBe(none);
    expect((await mount("data", "two")).Err).toBe(none);
    expect(await unmount("data", "one")).toEqual({ Err: "" });
    expect(await call("Remove", { Name: "data" })).toEqual({ Err: "" });
    expect(await mounted()).toBe(0);
  });

  it(
    "finds what a model of it expects after random calls, with the plugin and itself killed between them",
    { timeout: 400_000 },
    async () => {
      const { pick, below } = random(18);
      const names = ["one", "two", "three"];
      const known: Known = new Map();
      const ask = async (asked: Call) => enter(known, asked, await call(asked.kind, bodyOf(asked)), volumes, false);
      const drawn = (name: string): Call => {
        const kind = pick([
          "Create",
          "Mount",
          "Mount",
          "Mount",
          "Unmount",
          "Unmount",
          "Get",
          "Path",
          "Remove",
        ] as const);
        if (kind === "Create") return { kind, name, options: { share: `${server}:/srv/exp` } };
        return kind === "Mount" || kind === "Unmount" ? { kind, name, id: pick(["a", "b"]) } : { kind, name };
      };
      await start();
      for (let round = 0; round < 12; round++) {
        // One after the other for each volume, and the volumes side by side.
        const plan = names.map((name) => [drawn(name), drawn(name)]);
        const wrong = await Promise.all(
          plan.map(async ([first, second]) => [
            ...(first ? await ask(first) : []),
            ...(second ? await ask(second) : []),
          ]),
        );
        expect([...wrong.flat(), ...(await ask({ kind: "List" }))]).toEqual([]);
        const event = below(4);
        if (event === 0) {
          await signal("KILL");
          await start();
        }
        if (event === 1) {
          expect(await ask({ kind: "Activate" })).toEqual([]);
          // No container has them.
          for (const { users } of known.values()) users.clear();
        }
        const used = [...known].filter(([, { users }]) => users.size > 0).map(([name]) => name);
        await eventually(
          `the mounts of ${used.join(", ")} after round ${round}`,
          async () => {
            const found = await said(`cut -d' ' -f5 /proc/self/mountinfo | sed -n 's|^${volumes}/||p' | sort`);
            return found === used.toSorted().join("\n");
          },
          { timeoutMs: 30_000 },
        );
      }
    },
  );
});

describe("a server that is away", () => {
  it("holds up who mounts, for its time, and nobody who looks", async () => {
    await start();
    await create("data");
    await lab().sh("srv_down");
    const mounting = mount("data", "one");
    await logged(plugin as Job, "waiting for the server");
    const answers = await Promise.all([call("List"), call("Get", { Name: "data" }), call("Path", { Name: "data" })]);
    expect(answers.map(({ Err }) => Err)).toEqual(["", "", ""]);
    expect((await mounting).Err).toMatch(/not mounted within 5 s/);
    expect(await mounted()).toBe(0);
    await lab().sh("srv_up");
    expect(await mount("data", "one")).toEqual({ Mountpoint: `${volumes}/data`, Err: "" });
  });

  it("is said, and the share is mounted afresh for the next who comes", async () => {
    await start();
    await create("data");
    await mount("data", "one");
    await lab().sh("srv_stale /srv/exp 101");
    await logged(plugin as Job, "a share is lost");
    const status = async () => (await call("Get", { Name: "data" })).Volume?.Status;
    expect(await status()).toMatchObject({ state: "lost", references: 1 });
    expect(await mount("data", "two")).toEqual({ Mountpoint: `${volumes}/data`, Err: "" });
    expect(await said(`ls ${volumes}/data >/dev/null && echo well`)).toBe("well");
    expect(await status()).toMatchObject({ state: "mounted", references: 2 });
  });
});

describe("the plugin", () => {
  it.each(everyCombination ? ["TERM", "KILL"] : ["KILL"])(
    "leaves what is in use mounted at SIG%s, and looks after it when it is started again",
    async (name) => {
      await start();
      await create("used");
      await create("unused");
      await mount("used", "one");
      await signal(name);
      expect(await said(`cat ${volumes}/used/hello`)).toBe("hello");
      await start();
      expect((await call("List")).Volumes?.map((volume) => volume.Name)).toEqual(["used", "unused"]);
      await eventually("the volume", async () => {
        const { Volume } = await call("Get", { Name: "used" });
        return Volume?.Status["state"] === "mounted" && Volume.Status["references"] === 1;
      });
      expect(await mounted()).toBe(1);
      await unmount("used", "one");
      expect(await mounted()).toBe(0);
    },
  );

  it.runIf(everyCombination)(
    "looks after what was in use over its start once the server is back, and has it given back meanwhile",
    async () => {
      await start();
      await create("data");
      await create("other", { share: `${server}:/srv/exp2` });
      await mount("data", "one");
      await mount("other", "two");
      await signal("KILL");
      await lab().sh("srv_down");
      await start();
      const status = async () => (await call("Get", { Name: "data" })).Volume?.Status;
      await eventually(
        "why it is waited for",
        async () => /does not answer/.test(String((await status())?.["reason"])),
        {
          timeoutMs: 60_000,
        },
      );
      expect(await status()).toMatchObject({ state: "waiting", references: 1 });
      expect(await unmount("other", "two")).toEqual({ Err: "" });
      expect(await mounted()).toBe(1);
      await lab().sh("srv_up");
      await eventually("its mount", async () => (await status())?.["state"] === "mounted", { timeoutMs: 60_000 });
      expect(await said(`cat ${volumes}/data/hello`)).toBe("hello");
      expect(await unmount("data", "one")).toEqual({ Err: "" });
      expect(await mounted()).toBe(0);
    },
  );

  it("forgets who uses what when Docker stops it as a plugin of its own, and not which volumes there are", async () => {
    const state = "/lab/state/managed";
    const managed = lab().start(`NFS_PLUGIN_STATE=${state} container c1 --name managed -- nfs-init plugin`);
    await logged(managed, "answering Docker");
    const ask = async (operation: string, body: unknown) => {
      const curl = `curl -sS --unix-socket ${socket} -d ${quote(JSON.stringify(body))} http://plugin/VolumeDriver.${operation}`;
      return JSON.parse(await lab().sh(`container_exec managed sh -c ${quote(curl)}`)) as Answer;
    };
    const references = async () =>
      (JSON.parse(await lab().sh(`cat ${state}/volumes.json`)) as { volumes: { references: unknown[] }[] }).volumes.map(
        (volume) => volume.references.length,
      );
    expect(await ask("Create", { Name: "data", Opts: { share: `${server}:/srv/exp` } })).toEqual({ Err: "" });
    expect((await ask("Mount", { Name: "data", ID: "one" })).Err).toBe("");
    expect(await references()).toEqual([1]);
    await lab().sh("container_signal managed TERM");
    expect((await managed.done).exitCode).toBe(0);
    expect(await references()).toEqual([0]);
    await lab().sh(`rm -r ${state}`);
  });

  it("does not start on a list that is damaged, and says what to do", async () => {
    await onHost("mkdir -p /var/lib/nfs-init; echo '{' >/var/lib/nfs-init/volumes.json");
    const { exitCode, stderr } = await lab().run("container_exec host nfs-init plugin");
    expect(exitCode).toBe(78);
    expect(logLines(stderr).at(-1)).toMatchObject({
      reason: expect.stringMatching(/volumes\.json.*damaged/) as string,
    });
  });

  it("refuses what is no call of the daemon", async () => {
    await start();
    const status = (args: string) =>
      said(`curl -s -o /dev/null -w '%{http_code}' --unix-socket ${socket} ${args} http://plugin/VolumeDriver.Mount`);
    expect(await status("-X POST -d nonsense")).toBe("400");
    expect(await status("-X POST -d '{}'")).toBe("400");
    expect(await status("-X GET")).toBe("405");
  });
});
