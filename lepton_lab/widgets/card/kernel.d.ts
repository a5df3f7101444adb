// SPDX-License-Identifier: BSD-3-Clause
// What `kernel.js` gives to TypeScript.

/** Sends an order to the kernel of a widget's model; resolves to whether the kernel takes it at once. */
export function sendOrder(
  model: { widget_manager: { kernel: unknown }; send(message: unknown): void },
  order: { action: string; run: string; values: Record<string, unknown> }
): Promise<boolean>;
