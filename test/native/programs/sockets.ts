// Sockets on the loopback interface.
import * as native from "native";
import { check, code, equal, thrown } from "./report.ts";

const { AF_INET, AF_INET6, AF_UNIX, POLLIN, POLLOUT, SOCK_DGRAM, SOCK_STREAM } = native;

function listen(
  family: number,
  address: native.SocketAddress,
): { readonly fd: number; readonly at: native.SocketAddress } {
  const fd = native.socket(family, SOCK_STREAM);
  if (family !== AF_UNIX) native.setsockopt(fd, native.SOL_SOCKET, native.SO_REUSEADDR, 1);
  native.bind(fd, address);
  native.listen(fd, 10);
  return { fd, at: native.getsockname(fd) };
}

function hasIpv6(): boolean {
  const fd = native.socket(AF_INET6, SOCK_STREAM);
  const { message } = thrown(() => {
    native.bind(fd, { address: "::1", port: 0 });
    throw new Error("bound");
  });
  native.close(fd);
  return message === "bound";
}

function talk(family: number, address: native.SocketAddress): void {
  const server = listen(family, address);
  equal(
    code(() => native.accept(server.fd)),
    "EAGAIN",
  );
  const client = native.socket(family, SOCK_STREAM);
  if (family === AF_UNIX) native.connect(client, server.at);
  else
    equal(
      code(() => native.connect(client, server.at)),
      "EINPROGRESS",
    );
  equal(native.poll(client, POLLOUT, 5_000) & POLLOUT, POLLOUT);
  native.takeError(client);
  equal(native.poll(server.fd, POLLIN, 5_000), POLLIN);
  const served = native.accept(server.fd);
  equal(native.fcntl(served, native.F_GETFL, 0) & native.O_NONBLOCK, native.O_NONBLOCK);
  equal(native.fcntl(served, native.F_GETFD, 0), native.FD_CLOEXEC);
  equal(native.send(client, native.encodeUtf8("hello")), 5);
  equal(native.poll(served, POLLIN, 5_000), POLLIN);
  equal(native.decodeUtf8(native.read(served, 100)), "hello");
  equal(
    code(() => native.read(served, 100)),
    "EAGAIN",
  );
  if (family !== AF_UNIX) native.setLingerZero(client);
  native.close(client);
  check((native.poll(served, POLLIN, 5_000) & POLLIN) !== 0, "the end is told");
  if (family === AF_UNIX) equal(native.read(served, 1).byteLength, 0);
  else
    equal(
      code(() => native.read(served, 1)),
      "ECONNRESET",
    );
  // No SIGPIPE, which would be told as a signal.
  equal(
    code(() => native.send(served, new Uint8Array(1))),
    "EPIPE",
  );
  for (const fd of [served, server.fd]) native.close(fd);
}

export const cases = {
  "TCP over IPv4": () => talk(AF_INET, { address: "127.0.0.1", port: 0 }),
  "TCP over IPv6": () => {
    if (hasIpv6()) talk(AF_INET6, { address: "::1", port: 0 });
  },
  "a socket of a path": () => {
    const path = `/tmp/nfs-init-native-${native.getpid()}.socket`;
    try {
      talk(AF_UNIX, { path });
    } finally {
      native.unlink(path);
    }
  },
  "a connection that is refused says so": () => {
    const { fd, at } = listen(AF_INET, { address: "127.0.0.1", port: 0 });
    native.close(fd);
    const client = native.socket(AF_INET, SOCK_STREAM);
    equal(
      code(() => native.connect(client, at)),
      "EINPROGRESS",
    );
    native.poll(client, POLLOUT, 5_000);
    equal(thrown(() => native.takeError(client)).message, "ECONNREFUSED: connection refused, connect");
    // It is told once.
    native.takeError(client);
    const unix = native.socket(AF_UNIX, SOCK_STREAM);
    equal(
      thrown(() => native.connect(unix, { path: "/nonexistent" })).message,
      "ENOENT: no such file or directory, connect",
    );
  },
  "datagrams go to an address and tell where they come from": () => {
    const [one, other] = [native.socket(AF_INET, SOCK_DGRAM), native.socket(AF_INET, SOCK_DGRAM)];
    native.bind(one, { address: "127.0.0.1", port: 0 });
    native.bind(other, { address: "127.0.0.1", port: 0 });
    equal(
      code(() => native.recvfrom(one, 10)),
      "EAGAIN",
    );
    equal(native.sendto(other, native.encodeUtf8("datagram"), native.getsockname(one)), 8);
    equal(native.poll(one, POLLIN, 5_000), POLLIN);
    const { bytes, from } = native.recvfrom(one, 1_000);
    equal([native.decodeUtf8(bytes), from], ["datagram", native.getsockname(other)]);
    equal(native.sendto(other, new Uint8Array(), native.getsockname(one)), 0);
    native.poll(one, POLLIN, 5_000);
    equal(native.recvfrom(one, 1_000).bytes.byteLength, 0);
    native.setsockopt(one, native.SOL_SOCKET, native.SO_BROADCAST, 1);
    native.setsockopt(one, native.IPPROTO_IP, native.IP_MULTICAST_TTL, 255);
    equal(native.getsockopt(one, native.IPPROTO_IP, native.IP_MULTICAST_TTL), 255);
  },
  "a datagram tells which address of ours it came to, and an answer comes from there": () => {
    const [one, other] = [native.socket(AF_INET, SOCK_DGRAM), native.socket(AF_INET, SOCK_DGRAM)];
    native.setsockopt(one, native.IPPROTO_IP, native.IP_PKTINFO, 1);
    native.bind(one, { address: "0.0.0.0", port: 0 });
    native.bind(other, { address: "127.0.0.1", port: 0 });
    const at = native.getsockname(one);
    if (!("port" in at)) throw new Error("no port");
    equal(native.sendto(other, native.encodeUtf8("datagram"), { address: "127.0.0.9", port: at.port }), 8);
    equal(native.poll(one, POLLIN, 5_000), POLLIN);
    const { bytes, isWhole, from, to } = native.recvmsg(one, 4);
    equal([native.decodeUtf8(bytes), isWhole, from, to], ["data", false, native.getsockname(other), "127.0.0.9"]);
    equal(native.sendmsg(one, native.encodeUtf8("answer"), from, to ?? ""), 6);
    equal(native.poll(other, POLLIN, 5_000), POLLIN);
    const answer = native.recvmsg(other, 100);
    equal(
      [native.decodeUtf8(answer.bytes), answer.isWhole, answer.from, answer.to],
      ["answer", true, { address: "127.0.0.9", port: at.port }, undefined],
    );
  },
  "the same over IPv6": () => {
    if (!hasIpv6()) return;
    const [one, other] = [native.socket(AF_INET6, SOCK_DGRAM), native.socket(AF_INET6, SOCK_DGRAM)];
    native.setsockopt(one, native.IPPROTO_IPV6, native.IPV6_RECVPKTINFO, 1);
    native.bind(one, { address: "::", port: 0 });
    const at = native.getsockname(one);
    if (!("port" in at)) throw new Error("no port");
    native.sendto(other, new Uint8Array([7]), { address: "::1", port: at.port });
    equal(native.poll(one, POLLIN, 5_000), POLLIN);
    const { from, to } = native.recvmsg(one, 10);
    equal(to, "::1");
    equal(native.sendmsg(one, new Uint8Array([8]), from, "::1"), 1);
    equal(native.poll(other, POLLIN, 5_000), POLLIN);
    equal([...native.recvmsg(other, 10).bytes], [8]);
  },
  "both ends of a connection tell the other's address": () => {
    const { fd, at } = listen(AF_INET, { address: "127.0.0.1", port: 0 });
    const client = native.socket(AF_INET, SOCK_STREAM);
    equal(
      code(() => native.getpeername(client)),
      "ENOTCONN",
    );
    equal(
      code(() => native.connect(client, at)),
      "EINPROGRESS",
    );
    native.poll(client, POLLOUT, 5_000);
    native.poll(fd, POLLIN, 5_000);
    const served = native.accept(fd);
    equal(native.getpeername(served), native.getsockname(client));
    equal(native.getpeername(client), at);
  },
  "a netlink socket answers about interfaces": () => {
    const fd = native.socket(native.AF_NETLINK, native.SOCK_RAW, native.NETLINK_ROUTE);
    // RTM_GETLINK of the first interface, loopback: nlmsghdr and ifinfomsg (rtnetlink(7)), numbers in the machine's order.
    const question = new Uint8Array(32);
    const view = new DataView(question.buffer);
    view.setUint32(0, 32, true);
    view.setUint16(4, 18, true);
    view.setUint16(6, 1, true);
    view.setInt32(20, 1, true);
    equal(native.send(fd, question), 32);
    equal(native.poll(fd, POLLIN, 5_000), POLLIN);
    const answer = native.read(fd, 65_536);
    equal(new DataView(answer.buffer, answer.byteOffset).getUint16(4, true), 16);
  },
  "frames need a capability": () => {
    // ETH_P_ARP, in the order of the network.
    const told = code(() => {
      const fd = native.socket(native.AF_PACKET, native.SOCK_RAW, 0);
      native.bind(fd, { interfaceIndex: 1, protocol: 0x0806 });
      throw new Error("bound");
    });
    check(["EPERM", "Error: bound"].includes(told), told);
    equal(
      code(() => native.bind(native.socket(AF_INET, SOCK_DGRAM), { interfaceIndex: 1, protocol: 0x0806 })),
      "EAFNOSUPPORT",
    );
  },
  "a datagram of a socket without a name comes from the empty path": () => {
    const path = `/tmp/nfs-init-native-${native.getpid()}.datagrams`;
    const server = native.socket(AF_UNIX, SOCK_DGRAM);
    native.bind(server, { path });
    try {
      native.sendto(native.socket(AF_UNIX, SOCK_DGRAM), new Uint8Array([1]), { path });
      equal(native.recvfrom(server, 10).from, { path: "" });
      equal(native.getsockname(server), { path });
    } finally {
      native.unlink(path);
    }
  },
  "a name with @ is one of the network namespace, and nobody else's while it is open": () => {
    const path = `@nfs-init-native-${native.getpid()}`;
    const [one, other] = [native.socket(AF_UNIX, SOCK_STREAM), native.socket(AF_UNIX, SOCK_STREAM)];
    native.bind(one, { path });
    equal(
      code(() => native.bind(other, { path })),
      "EADDRINUSE",
    );
    equal(
      code(() => native.stat(path)),
      "ENOENT",
    );
    native.close(one);
    native.bind(other, { path });
  },
  "addresses have zones": () => {
    const fd = native.socket(AF_INET6, SOCK_DGRAM);
    equal(
      code(() => native.connect(fd, { address: "fe80::1%nonexistent0", port: 1 })),
      "ENODEV",
    );
    // The loopback interface is always the first.
    const told = code(() => {
      native.connect(fd, { address: "fe80::1%lo", port: 1 });
      throw new Error("connected");
    });
    check(["Error: connected", "EADDRNOTAVAIL", "ENETUNREACH", "EINVAL"].includes(told), told);
  },
  "a path that is too long is refused": () => {
    const fd = native.socket(AF_UNIX, SOCK_STREAM);
    equal(
      code(() => native.bind(fd, { path: "/".repeat(108) })),
      "ENAMETOOLONG",
    );
  },
  "options are set": () => {
    const tcp = native.socket(AF_INET, SOCK_STREAM);
    native.setsockopt(tcp, native.IPPROTO_TCP, native.TCP_NODELAY, 1);
    equal(native.getsockopt(tcp, native.IPPROTO_TCP, native.TCP_NODELAY), 1);
    const six = native.socket(AF_INET6, SOCK_STREAM);
    native.setsockopt(six, native.IPPROTO_IPV6, native.IPV6_V6ONLY, 1);
    equal(native.getsockopt(six, native.IPPROTO_IPV6, native.IPV6_V6ONLY), 1);
    equal(code(() => native.getsockopt(tcp, 77, 77)).startsWith("E"), true);
  },
  "names that are addresses are resolved": () => {
    equal(native.getaddrinfo("127.0.0.1", native.AF_UNSPEC), ["127.0.0.1"]);
    equal(native.getaddrinfo("::1", native.AF_UNSPEC), ["::1"]);
    equal(native.getaddrinfo("fe80::1%lo", AF_INET6), ["fe80::1%lo"]);
    const error = thrown(() => native.getaddrinfo("127.0.0.1", AF_INET6)) as native.NativeError;
    check(error.code.startsWith("EAI_") && error.syscall === "getaddrinfo", error.message);
  },
  "a terminal is one only where it is": () => {
    const fd = native.open("/dev/null", 0);
    equal(native.isatty(fd), false);
    equal(
      code(() => native.tcgetpgrp(fd)),
      "ENOTTY",
    );
    equal(
      code(() => native.tcsetpgrp(fd, 1)),
      "ENOTTY",
    );
  },
};
