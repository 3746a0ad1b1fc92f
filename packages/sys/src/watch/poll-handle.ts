import { EPOLL_CTL_ADD, EPOLLIN } from "../constants.js";
import { epollCreate, epollCtl } from "../epoll.js";
import { orThrow, UnsupportedError } from "../errors.js";
import { close } from "../file.js";
import { pollHandle } from "../native.js";
import { taskDrain } from "./drain-tasks.js";
import type { Watch } from "./watch.js";

const READABLE = { readable: true };

/** A watch by `koffi.node.poll`: libuv's own poll handle, the descriptor sits in the loop's epoll set. */
export function watchByPollHandle(fd: number, onReadable: () => void): Watch {
  if (pollHandle === undefined) throw new UnsupportedError("watchReadable", "this koffi has no poll handles");
  mustBePollable(fd);
  const drainTasks = taskDrain();
  let isClosed = false;
  const onPoll = (status: number): void => {
    if (isClosed) return;
    onReadable();
    drainTasks();
    // libuv stops a handle that reports an error; a watch tells until it is closed.
    if (status < 0 && !isClosed) handle.start(READABLE, onPoll);
  };
  const handle = pollHandle(fd, READABLE, onPoll);
  handle.ref();
  return {
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close: () => {
      isClosed = true;
      handle.close();
    },
  };
}

/** Asks an epoll set of our own first: a poll handle that cannot start aborts the process. */
function mustBePollable(fd: number): void {
  const probe = epollCreate();
  const result = epollCtl(probe, EPOLL_CTL_ADD, fd, EPOLLIN, 0);
  close(probe);
  orThrow(result, "watchReadable");
}
