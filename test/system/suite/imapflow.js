// A person's mail program, made of imapflow: what it knows of the mailboxes it keeps in a file, and asks only for what is new.
// usage: node imapflow.js PORT imaps|imap work|resync HOME
const fs = require('fs');
const {ImapFlow} = require('imapflow');

const [port, service, step, home] = process.argv.slice(2);
const known = home + '/known.json';
const outer = 'Ärger', inner = ['Ärger', 'Größe & Maß'], other = '日本語';
const say = (...words) => console.log(words.join(' '));
const flags = set => '(' + [...set].filter(flag => flag !== '\\Recent').sort().join(' ') + ')';

async function main() {
  const client = new ImapFlow({host: '127.0.0.1', port: +port, secure: service === 'imaps', doSTARTTLS: service === 'imap', qresync: true,
    logger: false, tls: {rejectUnauthorized: false}, auth: {user: 'alice', pass: 'alice-pw'}});
  const gone = [];
  client.on('expunge', event => gone.push(event.uid || 'number ' + event.seq));
  await client.connect();
  await (step === 'work' ? work : resync)(client, gone);
  await client.logout();
}

// Sees what there is, as one who is here for the first time; then makes mailboxes, and fills, reads and empties them.
async function work(client, gone) {
  for (const path of [outer, inner, other]) say('created', (await client.mailboxCreate(path)).path);
  await client.mailboxSubscribe(inner);
  const large = fs.readFileSync(home + '/large');
  say('large', (await client.append(inner, large, ['\\Seen', 'own'])).uid);
  say('draft', (await client.append(other, fs.readFileSync(home + '/small'), ['\\Draft'], new Date('2023-01-02T10:00:00Z'))).uid);
  let lock = await client.getMailboxLock('INBOX');
  for await (const message of client.fetch('1:*', {envelope: true, flags: true, size: true, bodyStructure: true}, {uid: true}))
    say(message.seq, message.uid, message.envelope.subject, message.size, message.bodyStructure.type, flags(message.flags));
  say('found', await client.search({subject: 'second'}, {uid: true}));
  await client.messageFlagsAdd('1:2', ['\\Flagged', '$Label1'], {uid: true});
  await client.messageFlagsSet('3', ['\\Answered', 'own'], {uid: true});
  say('copied', [...(await client.messageCopy('1:2', outer, {uid: true})).uidMap]);
  say('moved', [...(await client.messageMove('2', inner, {uid: true})).uidMap]);
  await client.messageDelete('1', {uid: true});
  say('gone', gone.splice(0));
  lock.release();
  lock = await client.getMailboxLock(inner);
  const hash = require('crypto').createHash('sha256');
  const {content} = await client.download('1', undefined, {uid: true});
  for await (const piece of content) hash.update(piece);
  say('downloaded', hash.digest('hex') === require('crypto').createHash('sha256').update(large).digest('hex'));
  say('moved on', [...(await client.messageMove('2', outer, {uid: true})).uidMap]);
  lock.release();
  say('renamed', (await client.mailboxRename(other, '日本')).newPath);
  await remember(client);
}

// What it has for the time when it is offline.
async function remember(client) {
  const all = {};
  for (const {path} of await client.list()) {
    const lock = await client.getMailboxLock(path);
    const messages = {};
    for await (const message of client.fetch('1:*', {flags: true}, {uid: true})) messages[message.uid] = flags(message.flags);
    all[path] = {validity: String(client.mailbox.uidValidity), modseq: String(client.mailbox.highestModseq), next: client.mailbox.uidNext, messages};
    lock.release();
  }
  fs.writeFileSync(known, JSON.stringify(all));
}

// What has become of each mailbox since then, told by QRESYNC and by what has changed.
async function resync(client, gone) {
  const before = JSON.parse(fs.readFileSync(known));
  for (const {path, subscribed} of (await client.list()).sort((a, b) => a.path < b.path ? -1 : 1)) {
    const old = before[path] || {validity: '', messages: {}};
    const changed = [];
    const note = event => changed.push(event.uid + ' ' + flags(event.flags));
    client.on('flags', note);
    await client.mailboxOpen(path, old.validity && {changedSince: BigInt(old.modseq), uidValidity: BigInt(old.validity)});
    client.off('flags', note);
    say(path, subscribed ? 'subscribed' : '-', String(client.mailbox.uidValidity) === old.validity ? 'known' : 'new', client.mailbox.exists);
    const vanished = gone.splice(0).filter(uid => uid in old.messages);
    for (const uid of vanished) delete old.messages[uid];
    for (const line of [...new Set(changed)].sort()) {
      const [uid, ...rest] = line.split(' ');
      old.messages[uid] = rest.join(' ');
    }
    const there = {};
    for await (const message of client.fetch('1:*', {flags: true}, {uid: true})) there[message.uid] = flags(message.flags);
    if (!old.validity) old.messages = there;
    say('  gone', vanished.sort().join(','));
    for (const uid in there) say('  ' + uid, there[uid], there[uid] === old.messages[uid] ? '' : 'not told');
    for (const uid in old.messages) if (!(uid in there)) say('  ' + uid, 'not told that it is gone');
  }
  const status = await client.status(inner, {messages: true, unseen: true, uidNext: true});
  say('status', status.messages, status.unseen, status.uidNext);
  say('removed', (await client.mailboxDelete('日本')).path);
}

main().catch(error => { console.log(error.response ? JSON.stringify(error.responseText || error.message) : error.stack); process.exit(1); });
