// Lists the captions of the page's talk, and marks the one at the second that the link names (#t=90).
const time = (text) => text.split(":").reduce((total, part) => total * 60 + parseFloat(part), 0);

async function show() {
  const text = await (await fetch(document.querySelector("track").src)).text();
  const cues = text.split("\n\n").filter((block) => block.includes(" --> "));
  const list = document.getElementById("captions");
  const wanted = parseFloat((location.hash.match(/t=([\d.]+)/) || [])[1]);
  list.replaceChildren();
  for (const cue of cues) {
    const [timing, ...lines] = cue.trim().split("\n");
    const [start, end] = timing.split(" --> ").map(time);
    const item = document.createElement("li");
    item.textContent = new DOMParser().parseFromString(lines.join(" "), "text/html").body.textContent;
    list.append(item);
    if (start <= wanted && wanted < end) {
      item.style.fontWeight = "bold";
      item.scrollIntoView({ block: "center" });
    }
  }
}

addEventListener("hashchange", show);
show();
