/** The address to link to, if it is http or https and names no user; else null, and it stays text. */
export function safeLink(text: string): string | null {
  if (text.length > 2_048 || /[\p{Cc}\p{Cf}\s]/u.test(text)) return null;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  // `https://trusted.example@evil.example` reads as another host than it leads to.
  if (url.username !== "" || url.password !== "") return null;
  return url.href;
}
