// What a reader types into the search: Chinese has no blanks between words, so it is parted by the words of the index.
const HAN = /\p{Script=Han}+/gu;
const LONGEST = 8;

function isIndexed(word) {
  return Object.hasOwn(Search._index.terms, word) || Object.hasOwn(Search._index.titleterms, word);
}

// The longest word that the index has is taken, then the longest of what is left, as jieba has parted the pages.
function parted(text) {
  const words = [];
  let at = 0;
  while (at < text.length) {
    let length = Math.min(LONGEST, text.length - at);
    while (length > 1 && !isIndexed(text.slice(at, at + length))) length -= 1;
    if (length > 1) words.push(text.slice(at, at + length));
    at += length;
  }
  return words;
}

var splitQuery = query => query
  .replace(HAN, text => ` ${(parted(text).length ? parted(text) : [text]).join(" ")} `)
  .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/gu)
  .filter(term => term);
