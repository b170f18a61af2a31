// Which container engine this is, and what a change is called in its words.

/** `host` is none that is known. */
export type Engine = "kubernetes" | "balena" | "docker" | "podman" | "host";

/** Where an engine shows. */
export interface EngineSigns {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether /.dockerenv and /run/.containerenv are there. */
  readonly hasDockerFile: boolean;
  readonly hasPodmanFile: boolean;
  /** Text of /proc/self/cgroup and of /proc/self/mountinfo, "" where they cannot be read. */
  readonly cgroup: string;
}

export function engineOf({ environment, hasDockerFile, hasPodmanFile, cgroup }: EngineSigns): Engine {
  if ((environment["KUBERNETES_SERVICE_HOST"] ?? "") !== "" || /kubepods/.test(cgroup)) return "kubernetes";
  if (environment["BALENA"] === "1" || /balena/.test(cgroup)) return "balena";
  if (hasPodmanFile || /libpod/.test(cgroup)) return "podman";
  if (hasDockerFile || /\bdocker\b/.test(cgroup)) return "docker";
  return "host";
}

/** What an operator can change about a container. */
export type Remedy =
  | "add-capability"
  | "allow-mount-in-seccomp"
  | "allow-mount-in-profile"
  | "leave-user-namespace"
  | "load-modules"
  | "set-variable";

const remedies: Readonly<Record<Remedy, Readonly<Record<Engine, string>>>> = {
  "add-capability": {
    docker: "docker run --cap-add SYS_ADMIN, in Compose cap_add: [SYS_ADMIN]",
    podman: "podman run --cap-add SYS_ADMIN",
    kubernetes: "set securityContext.capabilities.add: [SYS_ADMIN] of the container, and run it as root",
    balena: "set cap_add: [SYS_ADMIN] for the service in docker-compose.yml and push a release",
    host: "run it as root with CAP_SYS_ADMIN: docker run --cap-add SYS_ADMIN, in Compose cap_add: [SYS_ADMIN], in Kubernetes securityContext.capabilities.add: [SYS_ADMIN]",
  },
  "allow-mount-in-seccomp": {
    docker: "docker run --security-opt seccomp=PROFILE with a profile that allows mount, or seccomp=unconfined",
    podman: "podman run --security-opt seccomp=PROFILE with a profile that allows mount, or seccomp=unconfined",
    kubernetes: "set securityContext.seccompProfile to one that allows mount, or type: Unconfined",
    balena: "set security_opt: [seccomp:unconfined] or privileged: true for the service in docker-compose.yml",
    host: "start it under a seccomp profile that allows mount, for instance --security-opt seccomp=unconfined",
  },
  "allow-mount-in-profile": {
    docker:
      "docker run --security-opt apparmor=unconfined, in Compose security_opt: [apparmor:unconfined], or a profile with the rule 'mount fstype=nfs*,'",
    podman: "podman run --security-opt apparmor=unconfined or label=disable, or a profile that allows mounting nfs",
    kubernetes:
      "set securityContext.appArmorProfile.type: Unconfined, or a profile with the rule 'mount fstype=nfs*,' on the node",
    balena: "set security_opt: [apparmor:unconfined] or privileged: true for the service in docker-compose.yml",
    host: "start it under a profile with the rule 'mount fstype=nfs*,', for instance --security-opt apparmor=unconfined",
  },
  "leave-user-namespace": {
    docker: "docker run --userns=host (userns_mode: host in Compose), and not under a rootless engine",
    podman: "run podman as root and without --userns",
    kubernetes: "set hostUsers: true in the pod's spec",
    balena: "set userns_mode: host for the service in docker-compose.yml",
    host: "start it without a user namespace: --userns=host, hostUsers: true, no rootless engine",
  },
  "load-modules": {
    docker: "run modprobe on the Docker host",
    podman: "run modprobe on the host",
    kubernetes: "run modprobe on the node, or choose a node image with them",
    balena:
      "add the label io.balena.features.kernel-modules: '1' and load them, or choose an OS version whose kernel has them",
    host: "run modprobe on the host",
  },
  "set-variable": {
    docker: "docker run -e, or environment: in Compose",
    podman: "podman run -e",
    kubernetes: "env: of the container",
    balena: "a device or fleet variable",
    host: "in the environment",
  },
};

/** How to do it with this engine: a clause in the imperative. */
export function inWordsOf(engine: Engine, remedy: Remedy): string {
  return remedies[remedy][engine];
}
