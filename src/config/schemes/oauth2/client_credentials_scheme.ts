/**
 * The schemes of the client credentials grant, which differ only in how the client authenticates.
 */
import type { z } from "zod";
import type { Rule } from "../../values/keys_of.ts";
import { type AnyScheme, scheme, type StoreKeys, type Warning } from "../scheme.ts";
import type { ClientAuthentication } from "./client_authentication.ts";
import {
  type ClientCredentials,
  clientCredentialsOf,
  clientCredentialsReach,
  type TokenRequestKeys,
  tokenRequestKeys,
  tokenRequestRules,
  tokenRequestWarnings,
} from "./token_request.ts";

type Keys<Shape extends z.core.$ZodLooseShape> =
  & z.output<z.ZodObject<Shape>>
  & TokenRequestKeys
  & StoreKeys;

/** A method of client authentication (RFC 6749, section 2.3). */
interface ClientCredentialsParts<Shape extends z.core.$ZodLooseShape> {
  readonly title: string;
  readonly description: string;
  /** Its keys besides those of the token request, including `ClientAuthentication`. */
  readonly keys: Shape;
  readonly rules?: readonly Rule<Keys<Shape>>[];
  readonly warnings?: (keys: Keys<Shape>) => readonly Warning[];
  readonly authentication: (keys: Keys<Shape>) => ClientAuthentication;
}

/** Makes a scheme of the client credentials grant. */
export function clientCredentialsScheme<Shape extends z.core.$ZodLooseShape>(
  { keys, rules = [], warnings = () => [], authentication, ...rest }: ClientCredentialsParts<Shape>,
): AnyScheme<ClientCredentials> {
  return scheme<ClientCredentials, typeof tokenRequestKeys>({
    ...rest,
    keys: { ...tokenRequestKeys, ...keys },
    rules: [...tokenRequestRules, ...rules as readonly Rule<TokenRequestKeys>[]],
    warnings: (keys) => [...tokenRequestWarnings(keys), ...warnings(keys as Keys<Shape>)],
    credentials: (keys) => clientCredentialsOf(keys, authentication(keys as Keys<Shape>)),
    reach: clientCredentialsReach,
  });
}
