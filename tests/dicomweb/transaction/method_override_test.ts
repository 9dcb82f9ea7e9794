import assert from "node:assert/strict";
import { hasFormBody, overridesMethod } from "../../../src/dicomweb/transaction/method_override.ts";

/** Query → whether a store could treat the request as one of another method, and where. */
const queries: readonly [query: string, overrides: boolean, where: string][] = [
  ["", false, "no query"],
  ["PatientID=1&limit=5", false, "a search"],
  ["PatientName=M%C3%BCller%5EAnna&00080020=20240101-20241231", false, "a search"],
  ["includefield=LossyImageCompressionMethod", false, "a value"],
  ["ContrastBolusAgent=method", false, "a value"],
  ["PatientName=_method%3DDELETE", false, "a value"],
  ["LossyImageCompressionMethod=ISO_10918_1", false, "PS3.6"],
  ["ReferencedSeriesSequence.DecayCorrectionMethod=x", false, "PS3.6, in a sequence"],
  ["renderingmethod=average_ip", false, "PS3.18 8.3.5.1.5"],
  ["PatientID=1&&=&;", false, "empty parameters"],
  ["100%", false, "no encoding"],
  ["%24httpMethod=DELETE", true, "Google, system parameters"],
  ["$httpMethod=DELETE", true, "Google, system parameters"],
  ["$httpHeaders=X-HTTP-Method-Override%3ADELETE", true, "Google, system parameters"],
  ["$.http_method=DELETE", true, "Google, other spelling"],
  ["$http-headers=x", true, "Google, other spelling"],
  ["limit=1&%24http%4Dethod=DELETE", true, "half encoded"],
  ["limit=1&%24http%254Dethod=DELETE", true, "encoded twice"],
  ["%25255f%2525%36Dethod=DELETE", true, "encoded three times"],
  ["%2525252525255fmethod=DELETE", true, "encoded without end"],
  ["%C0%AFa=1", true, "no UTF-8"],
  ["_method=delete", true, "Rails, Laravel, Spring, Symfony"],
  ["_method", true, "without a value"],
  ["_METHOD=delete", true, "Slim"],
  ["_%6dethod=delete", true, "encoded"],
  ["_method[]=DELETE", true, "PHP arrays"],
  ["_method%5B0%5D=DELETE", true, "PHP arrays, encoded"],
  ["_method%00=DELETE", true, "PHP, C strings"],
  [".method=DELETE", true, "PHP makes an underscore of a dot"],
  ["+method=DELETE", true, "PHP makes an underscore of a blank"],
  ["limit=1;_method=DELETE", true, "`;` between parameters, as HTML 4 allowed"],
  ["x?_method=DELETE", true, "a second question mark"],
  ["method=delete", true, "Facebook"],
  ["Method=delete", true, "no attribute is called so"],
  ["HttpMethod=DELETE", true, "no attribute either"],
  ["RequestMethod=DELETE", true, "no attribute either"],
  ["_HttpMethod=PATCH", true, "Salesforce"],
  ["X-HTTP-Method=PUT", true, "OData"],
  ["X-HTTP-Method-Override=DELETE", true, "Google Data APIs"],
  ["x_http_method_override=DELETE", true, "underscores"],
  ["xHttpMethodOverride=DELETE", true, "no separators"],
  ["x-method-override=DELETE", true, "Express"],
  ["http_verb=DELETE", true, "verbs"],
  ["%EF%BD%8Dethod=DELETE", true, "full-width m"],
  ["method:purge=", true, "Struts"],
  [`A${"aMethod".repeat(1_000)}!=1`, true, "no attribute is so long"],
];

for (const [query, overrides, where] of queries) {
  Deno.test(`overridesMethod: ${query.slice(0, 60) || "nothing"} ${overrides ? "could" : "could not"} (${where})`, () => {
    assert.equal(overridesMethod(query), overrides);
  });
}

/** Type of a body → whether it is a form. */
const types: readonly [type: string, isForm: boolean][] = [
  ["application/x-www-form-urlencoded", true],
  ["Application/X-WWW-Form-URLencoded; charset=utf-8", true],
  ["multipart/form-data; boundary=b", true],
  ["application/dicom+json, application/x-www-form-urlencoded", true],
  ['multipart/related; type="application/dicom"; boundary=b', false],
  ["application/dicom+json", false],
];

for (const [type, isForm] of types) {
  Deno.test(`hasFormBody: ${type} is ${isForm ? "a form" : "none"}`, () => {
    assert.equal(hasFormBody(new Headers({ "content-type": type })), isForm);
  });
}

Deno.test("hasFormBody: without a type it is none", () => {
  assert.equal(hasFormBody(new Headers()), false);
});
