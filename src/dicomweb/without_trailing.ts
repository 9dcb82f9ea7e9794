/**
 * Removes characters from the end of a text in linear time.
 */

/**
 * Removes `characters`, UTF-16 code units, from the end of a text. An expression such as `/\/+$/`
 * takes quadratic time: it tries again at each of these characters wherever they are.
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1]!)) end--;
  return text.slice(0, end);
}
