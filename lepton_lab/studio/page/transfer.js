// SPDX-License-Identifier: BSD-3-Clause
// Files to the kernel in pieces, each answered before the next; and from the kernel, put together again.

const PIECE = 1 << 20;

function messenger(model) {
  const waiting = [];
  const pieces = [];
  const heard = (content, buffers) => {
    if (content?.kind === "taken") waiting.shift()?.resolve(content);
    else if (content?.kind === "refused") waiting.shift()?.reject(content.lines);
    else if (content?.kind === "file") {
      pieces.push(buffers[0]);
      if (content.last) save(content.name, pieces.splice(0));
    }
  };
  model.on("msg:custom", heard);
  return {
    send: (message, buffers) => model.send(message, undefined, buffers),
    ask(message, buffer) {
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        model.send(message, undefined, [buffer]);
      });
    },
    close: () => model.off("msg:custom", heard),
  };
}

function save(name, pieces) {
  const address = URL.createObjectURL(new Blob(pieces, { type: "application/zip" }));
  const link = make("a", "", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

function uploadBlock(block, page) {
  const root = make("div", "buttons");
  const input = make("input", "", { type: "file", multiple: "", webkitdirectory: "", hidden: "", "aria-label": block.words });
  const button = make("button", "button", { type: "button", "data-focus": "do-upload" }, block.words);
  const said = make("span", "help", { role: "status" });
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    const files = [...input.files];
    input.value = "";
    if (!files.length) return;
    button.setAttribute("aria-disabled", "true");
    try {
      await sendFiles(files, page.post, (words) => put(said, words));
      put(said, "");
    } catch (lines) {
      put(said, Array.isArray(lines) ? lines.join(" ") : String(lines));
    }
    button.removeAttribute("aria-disabled");
  });
  return add(root, button, input, said);
}

// Paths are relative to the folder that was chosen, whose name goes first.
async function sendFiles(files, post, tell) {
  const folder = (files[0].webkitRelativePath || "folder/x").split("/")[0];
  let begin = true;
  for (const [number, file] of files.entries()) {
    const name = file.webkitRelativePath.split("/").slice(1).join("/") || file.name;
    if (name.split("/").some((part) => part.startsWith("."))) continue;
    let offset = 0;
    do {
      const piece = await file.slice(offset, offset + PIECE).arrayBuffer();
      const last = offset + piece.byteLength >= file.size;
      await post.ask({ do: "upload", begin, folder, name, offset, last }, piece);
      begin = false;
      offset += piece.byteLength;
    } while (offset < file.size);
    tell(`${number + 1} of ${files.length} files`);
  }
  post.send({ do: "upload", end: true });
}
