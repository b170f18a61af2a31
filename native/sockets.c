// Sockets and names of machines.
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "native.h"

// --- addresses ---------------------------------------------------------------------------------------------------------------

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
    struct sockaddr_ll packet;
};

/** The index of `eth0` or of `2`; 0 where there is none. */
static uint32_t zone_of(const char *name) {
    char *end;
    unsigned long index = strtoul(name, &end, 10);
    return *end == 0 && end != name && index <= UINT32_MAX ? (uint32_t)index : if_nametoindex(name);
}

static bool read_ip(struct frame *f, char *text, uint16_t port, union address *to, socklen_t *size) {
    // Into a place of its own: musl leaves the first numbers of what is no such address.
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        to->v4.sin_addr = v4;
        to->v4.sin_family = AF_INET;
        to->v4.sin_port = htons(port);
        *size = sizeof to->v4;
        return true;
    }
    char *zone = strchr(text, '%');
    if (zone != NULL)
        *zone++ = 0;
    if (inet_pton(AF_INET6, text, &to->v6.sin6_addr) != 1) {
        JS_ThrowRangeError(f->ctx, "%s: not an IP address: %s", f->call->name, text);
        return false;
    }
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(port);
    *size = sizeof to->v6;
    if (zone != NULL && (to->v6.sin6_scope_id = zone_of(zone)) == 0) {
        errno = ENODEV;
        fail(f);
        return false;
    }
    return true;
}

static bool read_path(struct frame *f, const struct argument *path, union address *to, socklen_t *size) {
    if (path->size == 0) {
        JS_ThrowRangeError(f->ctx, "%s: path is empty", f->call->name);
        return false;
    }
    if (path->size >= sizeof to->path.sun_path) {
        fail_as(f->ctx, "ENAMETOOLONG", "path of a socket is too long", f->call->name, path->text);
        return false;
    }
    to->path.sun_family = AF_UNIX;
    memcpy(to->path.sun_path, path->text, path->size + 1);
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path->size + 1);
    // A name of the network namespace, which is its bytes and no NUL after them.
    if (path->text[0] == '@') {
        to->path.sun_path[0] = 0;
        *size -= 1;
    }
    return true;
}

/** What native.d.ts calls SocketAddress. It runs getters of the object: bytes must be taken after it. */
static bool read_address(struct frame *f, JSValueConst object, union address *to, socklen_t *size) {
    memset(to, 0, sizeof *to);
    struct argument text, port, device;
    if (!is_object(f, "an address", object) || !field(f, object, "interfaceIndex", 'f', true, &device))
        return false;
    if (device.given) {
        if (!field(f, object, "protocol", 'P', false, &port))
            return false;
        to->packet.sll_family = AF_PACKET;
        to->packet.sll_ifindex = (int)device.integer;
        to->packet.sll_protocol = htons((uint16_t)port.integer);
        *size = sizeof to->packet;
        return true;
    }
    if (!field(f, object, "path", 's', true, &text))
        return false;
    bool good;
    if (text.given) {
        good = read_path(f, &text, to, size);
    } else {
        good = field(f, object, "address", 's', false, &text) && field(f, object, "port", 'P', false, &port) &&
               read_ip(f, text.text, (uint16_t)port.integer, to, size);
    }
    js_free(f->ctx, text.text);
    return good;
}

static JSValue ip_text(JSContext *ctx, const union address *from) {
    char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE], zone[IF_NAMESIZE];
    if (from->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &from->v4.sin_addr, text, sizeof text);
    } else {
        inet_ntop(AF_INET6, &from->v6.sin6_addr, text, INET6_ADDRSTRLEN);
        uint32_t scope = from->v6.sin6_scope_id;
        if (scope != 0 && if_indextoname(scope, zone) != NULL)
            snprintf(text + strlen(text), 1 + IF_NAMESIZE, "%%%s", zone);
        else if (scope != 0)
            snprintf(text + strlen(text), 1 + IF_NAMESIZE, "%%%u", scope);
    }
    return JS_NewString(ctx, text);
}

static JSValue new_address(JSContext *ctx, const union address *from, socklen_t size) {
    JSValue result = JS_NewObject(ctx);
    if (size >= sizeof(sa_family_t) && (from->any.sa_family == AF_INET || from->any.sa_family == AF_INET6)) {
        // The port lies at the same place in both.
        put(ctx, &result, "address", ip_text(ctx, from));
        put(ctx, &result, "port", JS_NewInt32(ctx, ntohs(from->v4.sin_port)));
        return result;
    }
    // One without a name has no path; the path may fill its room, without a NUL (unix(7)).
    const size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t room = size <= start ? 0 : size - start < sizeof from->path.sun_path ? size - start : sizeof from->path.sun_path;
    put(ctx, &result, "path", new_text(ctx, from->path.sun_path, strnlen(from->path.sun_path, room)));
    return result;
}

// --- sockets -----------------------------------------------------------------------------------------------------------------

static JSValue open_socket(struct frame *f) {
    int type = INT(1);
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_RAW)
        return JS_ThrowRangeError(f->ctx, "socket: argument 2 must be SOCK_STREAM, SOCK_DGRAM or SOCK_RAW");
    return number(f, socket(INT(0), type | SOCK_NONBLOCK | SOCK_CLOEXEC, INT(2)));
}

static JSValue connect_to(struct frame *f) {
    union address to;
    socklen_t size;
    if (!read_address(f, f->a[1].value, &to, &size))
        return JS_EXCEPTION;
    return done(f, connect(INT(0), &to.any, size));
}

static JSValue bind_to(struct frame *f) {
    union address to;
    socklen_t size;
    if (!read_address(f, f->a[1].value, &to, &size))
        return JS_EXCEPTION;
    return done(f, bind(INT(0), &to.any, size));
}

CALL(listen_on, done(f, listen(INT(0), INT(1))))
CALL(accept_one, number(f, RETRY(accept4(INT(0), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))))

static JSValue own_name(struct frame *f) {
    union address own = { 0 };
    socklen_t size = sizeof own;
    if (getsockname(INT(0), &own.any, &size) != 0)
        return fail(f);
    return new_address(f->ctx, &own, size);
}

static JSValue other_name(struct frame *f) {
    union address other = { 0 };
    socklen_t size = sizeof other;
    if (getpeername(INT(0), &other.any, &size) != 0)
        return fail(f);
    return new_address(f->ctx, &other, size);
}

static JSValue get_option(struct frame *f) {
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(INT(0), INT(1), INT(2), &value, &size) != 0)
        return fail(f);
    return JS_NewInt32(f->ctx, value);
}

/** What has become of a connection that was being made, which is told once. */
static JSValue take_error(struct frame *f) {
    int error;
    socklen_t size = sizeof error;
    if (getsockopt((int)f->a[0].integer, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return fail(f);
    errno = error;
    return done(f, error == 0 ? 0 : -1);
}

static JSValue set_option(struct frame *f) {
    int value = INT(3);
    return done(f, setsockopt(INT(0), INT(1), INT(2), &value, sizeof value));
}

static JSValue set_linger_zero(struct frame *f) {
    const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    return done(f, setsockopt(INT(0), SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

CALL(send_bytes, number(f, RETRY(send(INT(0), f->a[1].bytes, f->a[1].size, MSG_NOSIGNAL))))

static JSValue send_to(struct frame *f) {
    union address to;
    socklen_t size;
    struct argument bytes;
    if (!read_address(f, f->a[2].value, &to, &size) || !convert(f, "argument 2", f->a[1].value, 'b', &bytes))
        return JS_EXCEPTION;
    return number(f, RETRY(sendto(INT(0), bytes.bytes, bytes.size, MSG_NOSIGNAL, &to.any, size)));
}

static JSValue receive_from(struct frame *f) {
    JSContext *ctx = f->ctx;
    size_t count = (size_t)f->a[1].integer;
    uint8_t *data = js_malloc(ctx, count + 1);
    if (data == NULL)
        return JS_EXCEPTION;
    union address from = { 0 };
    socklen_t size = sizeof from;
    ssize_t got = RETRY(recvfrom(INT(0), data, count, 0, &from.any, &size));
    JSValue result = got < 0 ? fail(f) : JS_NewObject(ctx);
    if (got >= 0) {
        put(ctx, &result, "bytes", new_bytes(ctx, data, (size_t)got));
        put(ctx, &result, "from", new_address(ctx, &from, size));
    }
    js_free(ctx, data);
    return result;
}

/** The address of ours that a datagram came to: the control message of IP_PKTINFO or IPV6_RECVPKTINFO, or undefined. */
static JSValue own_address(JSContext *ctx, struct msghdr *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        union address own = { 0 };
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            own.v4.sin_family = AF_INET;
            own.v4.sin_addr = info.ipi_addr;
            return ip_text(ctx, &own);
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            own.v6.sin6_family = AF_INET6;
            own.v6.sin6_addr = info.ipi6_addr;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                own.v6.sin6_scope_id = info.ipi6_ifindex;
            return ip_text(ctx, &own);
        }
    }
    return JS_UNDEFINED;
}

union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static JSValue receive_message(struct frame *f) {
    JSContext *ctx = f->ctx;
    size_t count = (size_t)f->a[1].integer;
    uint8_t *data = js_malloc(ctx, count + 1);
    if (data == NULL)
        return JS_EXCEPTION;
    union address from = { 0 };
    union control control = { 0 };
    struct iovec part = { data, count };
    struct msghdr message = {
        .msg_name = &from,
        .msg_namelen = sizeof from,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.room,
        .msg_controllen = sizeof control.room,
    };
    ssize_t got = RETRY(recvmsg(INT(0), &message, 0));
    JSValue result = got < 0 ? fail(f) : JS_NewObject(ctx);
    if (got >= 0) {
        put(ctx, &result, "bytes", new_bytes(ctx, data, (size_t)got));
        put(ctx, &result, "isWhole", JS_NewBool(ctx, (message.msg_flags & MSG_TRUNC) == 0));
        put(ctx, &result, "from", new_address(ctx, &from, message.msg_namelen));
        put(ctx, &result, "to", own_address(ctx, &message));
    }
    js_free(ctx, data);
    return result;
}

static JSValue send_message(struct frame *f) {
    union address to, own = { 0 };
    socklen_t size, own_size;
    struct argument bytes;
    if (!read_address(f, f->a[2].value, &to, &size) || !read_ip(f, TEXT(3), 0, &own, &own_size) ||
        !convert(f, "argument 2", f->a[1].value, 'b', &bytes))
        return JS_EXCEPTION;
    union control control = { 0 };
    struct iovec part = { (void *)bytes.bytes, bytes.size };
    struct msghdr message = {
        .msg_name = &to,
        .msg_namelen = size,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.room,
    };
    struct cmsghdr *c = &control.align;
    if (own.any.sa_family == AF_INET) {
        const struct in_pktinfo info = { .ipi_spec_dst = own.v4.sin_addr };
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else {
        const struct in6_pktinfo info = { own.v6.sin6_addr, own.v6.sin6_scope_id };
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
    }
    return number(f, RETRY(sendmsg(INT(0), &message, MSG_NOSIGNAL)));
}

// --- names -------------------------------------------------------------------------------------------------------------------

#define E(name) { name, #name }
static const struct {
    int error;
    const char *name;
} resolver_errors[] = {
    E(EAI_AGAIN), E(EAI_BADFLAGS), E(EAI_FAIL), E(EAI_FAMILY), E(EAI_MEMORY), E(EAI_NODATA), E(EAI_NONAME), E(EAI_OVERFLOW),
    E(EAI_SERVICE), E(EAI_SOCKTYPE),
};

static const char *resolver_error(int error) {
    for (size_t i = 0; i < LENGTH(resolver_errors); i++)
        if (resolver_errors[i].error == error)
            return resolver_errors[i].name;
    return "EAI_UNKNOWN";
}

static JSValue resolve(struct frame *f) {
    // One type of socket, or each address would come once for each.
    const struct addrinfo hints = { .ai_family = INT(1), .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    int error = getaddrinfo(TEXT(0), NULL, &hints, &found);
    if (error == EAI_SYSTEM)
        return fail(f);
    if (error != 0)
        return fail_as(f->ctx, resolver_error(error), gai_strerror(error), "getaddrinfo", TEXT(0));
    JSValue list = JS_NewArray(f->ctx);
    uint32_t count = 0;
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next)
        if (one->ai_family == AF_INET || one->ai_family == AF_INET6)
            push(f->ctx, &list, count++, ip_text(f->ctx, (const union address *)one->ai_addr));
    freeaddrinfo(found);
    return list;
}

static const struct call calls[] = {
    { "socket", "ii?i", open_socket, NULL },
    { "connect", "fv", connect_to, NULL },
    { "bind", "fv", bind_to, NULL },
    { "listen", "fi", listen_on, NULL },
    { "accept", "f", accept_one, NULL },
    { "getsockname", "f", own_name, NULL },
    { "getpeername", "f", other_name, NULL },
    { "getsockopt", "fii", get_option, NULL },
    { "setsockopt", "fiii", set_option, NULL },
    { "takeError", "f", take_error, "connect" },
    { "setLingerZero", "f", set_linger_zero, "setsockopt" },
    { "send", "fb", send_bytes, NULL },
    { "sendto", "fbv", send_to, NULL },
    { "recvfrom", "fc", receive_from, NULL },
    { "sendmsg", "fvvs", send_message, NULL },
    { "recvmsg", "fc", receive_message, NULL },
    { "getaddrinfo", "pi", resolve, NULL },
};
static const struct number numbers[] = {
    NUMBER(AF_UNIX), NUMBER(AF_INET), NUMBER(AF_INET6), NUMBER(AF_UNSPEC), NUMBER(SOCK_STREAM), NUMBER(SOCK_DGRAM),
    NUMBER(SOL_SOCKET), NUMBER(SO_REUSEADDR), NUMBER(SO_REUSEPORT), NUMBER(SO_BROADCAST), NUMBER(SO_SNDBUF), NUMBER(IPPROTO_TCP), NUMBER(TCP_NODELAY),
    NUMBER(IPPROTO_IP), NUMBER(IP_MULTICAST_TTL), NUMBER(IPPROTO_IPV6), NUMBER(IPV6_V6ONLY),
    NUMBER(IP_PKTINFO), NUMBER(IPV6_RECVPKTINFO), NUMBER(IPV6_MULTICAST_HOPS), NUMBER(SOCK_RAW),
    NUMBER(AF_NETLINK), NUMBER(AF_PACKET), NUMBER(IPPROTO_ICMPV6), { "NETLINK_ROUTE", 0 },
};
const struct part socket_part = { calls, LENGTH(calls), numbers, LENGTH(numbers) };
