// SPDX-License-Identifier: BSD-3-Clause
// Orders to the kernel. While its cell is busy, a widget's own messages wait; a comm that the page opens runs on
// a subshell and arrives at once. Where the page cannot open one, the widget's message must do.

const TARGET = "lepton.control";
const KEEP = 10000;

// Whether the kernel takes an order at once.
export async function sendOrder(model, order) {
  const kernel = model.widget_manager?.kernel;
  if (!kernel?.createComm) {
    model.send({ kind: "order", ...order });
    return true;
  }
  await kernel.info;
  const comm = kernel.createComm(TARGET);
  if (kernel.supportsSubshells) await comm.subshellStarted;
  comm.open(order);
  // Closing ends the subshell, which must have read the order by then.
  setTimeout(() => comm.isDisposed || comm.close(), KEEP);
  return Boolean(kernel.supportsSubshells) || kernel.status === "idle";
}
