// Open-redirect and URL-confusion payloads as they are passed around, around one honest redirect URI: https://client.example/cb.

/** None of them may be registered by anybody: two readers would see two hosts, a browser would mend it, or it runs code. */
export const confusing: Record<string, string[]> = {
  "user information": [
    ...[
      "https://client.example@evil.example/cb",
      "https://client.example:443@evil.example/cb",
      "https://client.example%40@evil.example/cb",
    ],
    ...[
      "https://:@evil.example/cb",
      "https://user:password@client.example/cb",
      "https://client.example%2f@evil.example/cb",
    ],
    ...[
      "http://127.0.0.1:33418@evil.example/callback",
      "http://localhost@127.0.0.1/callback",
      "https://@client.example/cb",
    ],
  ],
  "backslashes": [
    ...[
      "https://client.example\\@evil.example/cb",
      "https://evil.example\\.client.example/cb",
      "https:\\\\client.example/cb",
    ],
    ...[
      "https:/\\client.example/cb",
      "https://client.example/cb\\..\\evil",
      "\\\\evil.example\\cb",
      "/\\evil.example",
      "https://evil.example\\client.example/cb",
    ],
    ...["http://127.0.0.1\\@evil.example/callback", "https://client.example/\\evil.example"],
  ],
  "slashes": [
    ...[
      "//evil.example/cb",
      "///evil.example/cb",
      "////evil.example",
      "/evil.example",
      "https:///evil.example/cb",
      "https:////evil.example/cb",
    ],
    ...[
      "https:evil.example/cb",
      "https:/evil.example/cb",
      "http:///127.0.0.1/callback",
      "http:127.0.0.1/callback",
      "https:client.example",
      "/",
      "cb",
      ".",
    ],
  ],
  "white space and control characters": [
    ...[
      " https://client.example/cb",
      "https://client.example/cb ",
      "\thttps://client.example/cb",
      "ht\ntps://client.example/cb",
      "https://client.example/c\tb",
    ],
    ...[
      "https://client.example/cb\r\nLocation: https://evil.example",
      "https://client.example/cb\0",
      "\x01https://client.example/cb",
      "https://client.example/\u00A0",
    ],
    ...[
      "https://client.example\n/cb",
      "https://client.example/cb\u2028",
      "\uFEFFhttps://client.example/cb",
      "https://client.\u00ADexample/cb",
      "java\nscript:alert(1)",
    ],
  ],
  "other alphabets (IDNA)": [
    ...[
      "https://clıent.example/cb",
      "https://client。example/cb",
      "https://client．example/cb",
      "https://ⓒlient.example/cb",
      "https://client.example\uFF0Fcb",
    ],
    ...[
      "https://client.example\u2044cb",
      "https://évil.example/cb",
      "https://evil.example\u2100.client.example/cb",
      "https://\u212Aclient.example/",
      "http://①27.0.0.1/callback",
    ],
    ...["http://ⓛocalhost/callback", "https://client.example\u3002evil.example/"],
  ],
  "fragments": [
    ...[
      "https://client.example/cb#",
      "https://client.example/cb#x",
      "https://evil.example#@client.example/cb",
      "https://client.example#.evil.example",
    ],
    ...["http://127.0.0.1#@evil.example/callback", "https://client.example/cb?x#y"],
  ],
  "ports and hosts that are none": [
    ...[
      "https://client.example:99999/cb",
      "https://client.example:-1/cb",
      "https://client.example:x/cb",
      "https://client.example:443:80/cb",
      "http://127.0.0.1:65536/callback",
    ],
    ...[
      "https://[::1%25eth0]/cb",
      "https://[fe80::1%eth0]/cb",
      "http://[::1%lo]/callback",
      "https://[client.example]/cb",
      "https://[::1/cb",
      "https://::1/cb",
      "https://256.256.256.256/cb",
    ],
    ...[
      "https://client.example%00.evil.example/cb",
      "https://client%5cexample/cb",
      "https://client.example%2f.evil.example/cb",
      "https://client.example%23.evil.example/",
      "https://client.example%3f.evil.example/",
    ],
    ...[
      "https://",
      "https://?",
      "https://#",
      "https://:443/cb",
      "https:// /cb",
      "https://client.example<>/cb",
      "https://cli^ent.example/cb",
      "https://client.example|evil.example/cb",
    ],
  ],
  "http that is not on this machine": [
    ...[
      "http://client.example/cb",
      "http://localhost.evil.example/callback",
      "http://127.0.0.1.evil.example/callback",
      "http://127.0.0.2/callback",
      "http://0.0.0.0/callback",
    ],
    ...[
      "http://[::]/callback",
      "http://[::ffff:127.0.0.1]/callback",
      "http://evil.localhost/callback",
      "http://localhost./callback",
      "http://10.0.0.1/callback",
      "http://169.254.169.254/latest",
    ],
  ],
  "schemes": [
    ...[
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "javascript://client.example/%0aalert(1)",
      "data:text/html,x",
      "vbscript:x",
      "file:///etc/passwd",
      "blob:https://client.example/1",
    ],
    ...[
      "about:blank",
      "ftp://client.example/",
      "ws://client.example/",
      "wss://client.example/",
      "x",
      "",
      ":",
      "https",
      "1https://client.example/",
    ],
  ],
};

/** To be registered where any https host may: all readers agree on the host. They are still no other client's redirect URI. */
export const plain = [
  ...[
    "HTTPS://client.example/cb",
    "https://CLIENT.example/cb",
    "https://client.example:443/cb",
    "https://client.example/cb/",
    "https://client.example/cb?",
    "https://client.example/cb?x=1",
  ],
  ...[
    "https://client.example//cb",
    "https://client.example/./cb",
    "https://client.example/x/../cb",
    "https://client.example/%2e%2e/cb",
    "https://client.example/%63b",
    "https://client.example/cb%20",
  ],
  ...[
    "https://client.example/cb;x",
    "https://client.example/cb%0d%0a",
    "https://client.example/cb%00",
    "https://client.example/cb%23",
    "https://client.example/cb%5c..",
    "https://client.example.evil.example/cb",
  ],
  ...[
    "https://evil.example/https://client.example/cb",
    "https://evil.example/?https://client.example/cb",
    "https://evil.example/@client.example/cb",
    "https://xn--clent-q4a.example/cb",
  ],
  ...[
    "https://client.example./cb",
    "https://client.example/CB",
    "https://localhost/callback",
    "https://127.0.0.1:33418/callback",
    "https://[::1]/callback",
  ],
  ...[
    "http://127.0.0.1:33418/callback/",
    "http://127.0.0.1:33418/Callback",
    "http://127.0.0.1:33418/callback?x",
    "http://127.0.0.1:33418//callback",
    "http://localhost/callback/../x",
  ],
  ...["http://[::1]:33418/callback", "http://localhost:80/other"],
];
