/**
 * The peers: nginx and HAProxy as reverse proxies with equivalent settings, and nginx as a store
 * that speaks TLS.
 */
import { freePort, untilListening } from "../fixtures/listening.ts";
import { cpuSeconds, end, type Served } from "./processes.ts";

/** The path of Debian's package. */
export const NGINX = "/usr/sbin/nginx";
/** The path of Debian's package. */
export const HAPROXY = "/usr/sbin/haproxy";

/** Functions of nginx besides forwarding. */
export interface NginxOptions {
  /** Where it listens; loopback unless given. */
  readonly address?: string;
  /** The store's port on 127.0.0.1. */
  readonly store: number;
  /** Rewrite the store's URLs in JSON. */
  readonly rewrites?: boolean;
  /** Speak TLS to clients, with this certificate and key. */
  readonly tls?: { readonly certificatePem: string; readonly keyPem: string };
}

/** Starts nginx with one worker. */
export async function startNginx(
  { store, address = "127.0.0.1", rewrites, tls }: NginxOptions,
): Promise<Served> {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-nginx-" });
  const port = freePort();
  if (tls !== undefined) {
    await Deno.writeTextFile(`${directory}/tls.crt`, tls.certificatePem);
    await Deno.writeTextFile(`${directory}/tls.key`, tls.keyPem);
  }
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/1; uwsgi_temp_path ${directory}/2; scgi_temp_path ${directory}/3;
  keepalive_requests 10000000; client_max_body_size 0;
  upstream store { server 127.0.0.1:${store}; keepalive 64; keepalive_requests 10000000; }
  server {
    listen ${address}:${port}${tls === undefined ? "" : " ssl"};
    ${
      tls === undefined
        ? ""
        : `ssl_protocols TLSv1.3; ssl_certificate ${directory}/tls.crt; ssl_certificate_key ${directory}/tls.key;`
    }
    location / {
      proxy_pass http://store; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer fixed";
      proxy_buffering off; proxy_request_buffering off;
      ${
      rewrites
        ? `sub_filter_types application/dicom+json; sub_filter_once off;
      sub_filter "http://127.0.0.1:${store}/v2" "http://127.0.0.1:${port}/v2";`
        : ""
    }
    }
  }
}
`,
  );
  return await start(NGINX, ["-p", directory, "-c", `${directory}/nginx.conf`], port, directory);
}

/** Starts HAProxy with one thread. */
export async function startHaproxy(store: number): Promise<Served> {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-haproxy-" });
  const port = freePort();
  await Deno.writeTextFile(
    `${directory}/haproxy.cfg`,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend clients
  bind 127.0.0.1:${port}
  default_backend store
backend store
  http-request set-header Authorization "Bearer fixed"
  server store 127.0.0.1:${store}
`,
  );
  return await start(HAPROXY, ["-f", `${directory}/haproxy.cfg`, "-db"], port, directory);
}

async function start(
  program: string,
  args: readonly string[],
  port: number,
  directory: string,
): Promise<Served> {
  const child = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "piped" })
    .spawn();
  try {
    await untilListening(program, port);
    await cpuSeconds(child.pid);
  } catch (error) {
    await end(child);
    throw new Error(await new Response(child.stderr).text(), { cause: error });
  }
  return {
    port,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      await end(child);
      await child.stderr.cancel();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
