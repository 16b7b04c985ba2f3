// Verifies a keyed bundle with Sigstore's JavaScript client, offline.
//
//   node sigstore-js.mjs BUNDLE TRUSTED_ROOT PUBLIC_KEY ARTIFACT
//
// The client does not bind a statement to an artifact: that its subject `index.json` has the artifact's digest is
// compared here. NODE_PATH names the folder of the client's packages.
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [bundle, trustedRoot, publicKey, artifact] = process.argv.slice(2);

function verify() {
    const packages = createRequire(resolve(process.env.NODE_PATH, 'packages.cjs'));
    const { bundleFromJSON } = packages('@sigstore/bundle');
    const { TrustedRoot } = packages('@sigstore/protobuf-specs');
    const { toSignedEntity, toTrustMaterial, Verifier } = packages('@sigstore/verify');

    const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
    const key = createPublicKey(readFileSync(publicKey));
    const trust = toTrustMaterial(TrustedRoot.fromJSON(json(trustedRoot)), () => ({
        publicKey: key,
        validFor: () => true,
    }));
    const signed = bundleFromJSON(json(bundle));
    // A key has no certificate, and an entry of Rekor's second version no time.
    const thresholds = { ctlogThreshold: 0, tlogThreshold: 1, timestampThreshold: 0 };
    new Verifier(trust, thresholds).verify(toSignedEntity(signed));

    const statement = JSON.parse(signed.content.dsseEnvelope.payload.toString('utf8'));
    const subject = statement.subject.find(({ name }) => name === 'index.json');
    const digest = createHash('sha256').update(readFileSync(artifact)).digest('hex');
    if (subject?.digest.sha256 !== digest) {
        throw new Error(`the statement is not about these bytes: index.json has ${digest}`);
    }
    return { verified: true, client: '@sigstore/verify', predicateType: statement.predicateType, sha256: digest };
}

let answer;
try {
    answer = verify();
} catch (error) {
    answer = { verified: false, why: `${error.code ?? error.name}: ${error.message}` };
}
console.log(JSON.stringify(answer));
process.exitCode = answer.verified ? 0 : 1;
