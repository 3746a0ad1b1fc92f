import { afterEach, expect, test } from "vitest";
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDHUP,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "./constants.js";
import { EpollEvents, epollCreate, epollCtl, epollWait } from "./epoll.js";
import { ERRNO } from "./errno.js";
import { close, read, write } from "./file.js";
import { eventfd } from "./pipe.js";
import { Region } from "./region.js";
import { shutdown, socketpair } from "./socket.js";

const opened: number[] = [];
const memory = Region.allocate(64);

afterEach(() => {
  for (const fd of opened.splice(0)) close(fd);
});

function own(fd: number): number {
  opened.push(fd);
  return fd;
}

function pair(): [number, number] {
  return socketpair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC).map(own) as [number, number];
}

test("an event carries its bits, its descriptor and all 32 bits of its generation", () => {
  const epoll = own(epollCreate());
  const events = new EpollEvents(8);
  const [a, b] = pair();
  expect(epollCtl(epoll, EPOLL_CTL_ADD, a, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, 0xfffffffe)).toBe(0);
  expect(epollWait(epoll, events, 0)).toBe(1);
  expect([events.events(0), events.fd(0), events.generation(0)]).toEqual([EPOLLOUT, a, 0xfffffffe]);
  expect(epollWait(epoll, events, 0)).toBe(0);
  write(b, memory.address, 1);
  expect(epollWait(epoll, events, 0)).toBe(1);
  expect(events.events(0)).toBe(EPOLLIN | EPOLLOUT);
  shutdown(b, SHUT_WR);
  expect(epollWait(epoll, events, 0)).toBe(1);
  expect(events.events(0)).toBe(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  close(opened.splice(opened.indexOf(b), 1)[0]!);
  expect(epollWait(epoll, events, 0)).toBe(1);
  expect(events.events(0) & EPOLLHUP).toBe(EPOLLHUP);
  events.release();
});

test("several events come in one wait, no more than the capacity, and the rest after", () => {
  const epoll = own(epollCreate());
  const events = new EpollEvents(3);
  const fds = Array.from({ length: 5 }, () => own(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)));
  for (const [i, fd] of fds.entries()) expect(epollCtl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, i)).toBe(0);
  const seen = new Map<number, number>();
  for (let turn = 0; turn < 4; turn++) {
    const count = epollWait(epoll, events, 0);
    expect(count).toBe(3);
    for (let i = 0; i < count; i++) seen.set(events.fd(i), events.generation(i));
  }
  expect([...seen].sort()).toEqual(fds.map((fd, i) => [fd, i]).sort());
  events.release();
});

test("interest is changed and taken back, one shot needs rearming", () => {
  const epoll = own(epollCreate());
  const events = new EpollEvents(8);
  const fd = own(eventfd(1, EFD_NONBLOCK));
  epollCtl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, 1);
  expect([epollWait(epoll, events, 0), epollWait(epoll, events, 0)]).toEqual([1, 0]);
  expect(epollCtl(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, 2)).toBe(0);
  expect(epollWait(epoll, events, 0)).toBe(1);
  expect(events.generation(0)).toBe(2);
  expect(epollCtl(epoll, EPOLL_CTL_DEL, fd, 0, 0)).toBe(0);
  expect(epollWait(epoll, events, 0)).toBe(0);
  read(fd, memory.address, 8);
  events.release();
});

test("a wait ends by its timeout with nothing", () => {
  const events = new EpollEvents(1);
  expect(epollWait(own(epollCreate()), events, 5)).toBe(0);
  events.release();
});

test("errors are negative numbers", () => {
  const epoll = own(epollCreate());
  const events = new EpollEvents(1);
  const fd = own(eventfd(0, 0));
  expect([
    epollCtl(epoll, EPOLL_CTL_DEL, fd, 0, 0),
    epollCtl(epoll, EPOLL_CTL_ADD, -1, EPOLLIN, 0),
    epollCtl(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN, 0),
    epollCtl(fd, EPOLL_CTL_ADD, fd, EPOLLIN, 0),
    epollWait(-1, events, 0),
    epollWait(fd, events, 0),
  ]).toEqual([-ERRNO.ENOENT, -ERRNO.EBADF, -ERRNO.EINVAL, -ERRNO.EINVAL, -ERRNO.EBADF, -ERRNO.EINVAL]);
  epollCtl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 0);
  expect(epollCtl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 0)).toBe(-ERRNO.EEXIST);
  events.release();
});

test.each([0, 65537, 1.5, -1])("an event list of %s is refused", (capacity) => {
  expect(() => new EpollEvents(capacity)).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }));
});
