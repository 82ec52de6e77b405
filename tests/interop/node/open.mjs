// Opens one envelope with Node's own crypto, as the format is written down and with none of our code.
// Reads {key, label, envelope} as JSON, bytes in base64; writes the value in base64.
import { constants, createDecipheriv, privateDecrypt } from "node:crypto"
import { readFileSync } from "node:fs"

const given = JSON.parse(readFileSync(0, "utf8"))
const envelope = Buffer.from(given.envelope, "base64")
const end = 2 + envelope.readUInt16BE(0)
const session = privateDecrypt(
  {
    key: given.key,
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: "sha256",
    oaepLabel: Buffer.from(given.label, "base64"),
  },
  envelope.subarray(2, end),
)
const cipher = createDecipheriv("aes-256-gcm", session, Buffer.alloc(12))
cipher.setAuthTag(envelope.subarray(-16))
const value = Buffer.concat([cipher.update(envelope.subarray(end, -16)), cipher.final()])
process.stdout.write(value.toString("base64"))
