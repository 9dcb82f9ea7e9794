/**
 * Negotiates the media type of a response.
 */
import { type AcceptedMediaType, parseAccept } from "../dicomweb/media_type/media_type.ts";
import { Problem } from "./problem.ts";

/** A media type that the store can return. */
export interface Offer {
  readonly essence: string;
  /** The media type of the parts of a multipart type. */
  readonly type?: string;
  /** The transfer syntaxes of the content, which is not transcoded. */
  readonly transferSyntaxes?: ReadonlySet<string>;
}

/** DICOM JSON, under both names. */
export const JSON_OFFERS: readonly Offer[] = [
  { essence: "application/dicom+json" },
  { essence: "application/json" },
];

/**
 * @param offers The best first.
 * @throws {Problem} 406 when the client accepts none.
 */
export function chooseOffer(accept: string | undefined, offers: readonly Offer[]): Offer {
  for (const range of parseAccept(accept)) {
    const offer = offers.find((each) => fits(range, each));
    if (offer !== undefined) return offer;
  }
  const names = offers.map(({ essence, type, transferSyntaxes }) =>
    essence + (type ? `; type="${type}"` : "") +
    (transferSyntaxes ? ` in transfer syntax ${[...transferSyntaxes].join(" and ")}` : "")
  );
  throw new Problem(
    406,
    `None of the accepted media types is available; offered: ${names.join(", ")}`,
  );
}

function fits(range: AcceptedMediaType, offer: Offer): boolean {
  if (!covers(range.essence, offer.essence)) return false;
  const type = range.parameters.get("type");
  if (type !== undefined && !covers(type.toLowerCase(), offer.type ?? offer.essence)) return false;
  const transferSyntax = range.parameters.get("transfer-syntax") ?? "*";
  return transferSyntax === "*" || offer.transferSyntaxes === undefined ||
    [...offer.transferSyntaxes].every((each) => each === transferSyntax);
}

function covers(range: string, type: string): boolean {
  return range === "*/*" || range === type ||
    (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
}
