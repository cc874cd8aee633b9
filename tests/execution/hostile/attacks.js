// Hostile programs in JavaScript, one function each; see attacks.py for what they share. `attacks.js NAME MARK`, targets on stdin.
// Node has no raw system calls: where a call is needed, a tool of the system makes it, as a hostile script would have it done.
'use strict'
const childProcess = require('child_process')
const dgram = require('dgram')
const fs = require('fs')
const net = require('net')
const os = require('os')
const { Worker } = require('worker_threads')

const [name, mark] = process.argv.slice(2)
const targets = Object.fromEntries(fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map(line => line.split(/=(.*)/s)))
const { decoy, folder } = targets
const victim = Number(targets.victim)

const say = text => fs.writeSync(1, text + '\n')
const wait = ms => new Promise(done => setTimeout(done, ms))
const pause = ms => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const refused = (what, why) => say(`refused ${what}: ${String(why).split('\n')[0]}`)

// Tries, and says how it went; what gives false was of no use.
async function attempt (what, act) {
  try {
    const found = await act()
    if (found === false) refused(what, 'to no effect'); else say(`REACHED ${what}`)
  } catch (error) {
    refused(what, error.message)
  }
}

// What a tool of the system answers; it throws when the tool fails or is missing.
const tool = (command, ...words) => childProcess.execFileSync(command, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20000 }).toString()
const shell = script => childProcess.spawn('/bin/sh', ['-c', script, mark], { stdio: 'ignore', detached: true })
const read = path => fs.readFileSync(path).length > 0
const write = (path, flags) => fs.writeFileSync(path, 'changed', { flag: flags })
const parent = () => process.ppid

const attacks = {
  // --- files ---
  read_file_outside: () => attempt('its content', () => read(decoy)),
  async write_file_outside () {
    await attempt('its content', () => write(decoy, 'r+'))
    await attempt('its length', () => fs.truncateSync(decoy, 0))
  },
  delete_file_outside: () => attempt('the file', () => fs.unlinkSync(decoy)),
  rename_file_outside: () => attempt('the file', () => fs.renameSync(decoy, decoy + '.moved')),
  async create_file_outside () {
    await attempt('a new file', () => write(folder + '/planted', 'w'))
    await attempt('a new folder', () => fs.mkdirSync(folder + '/planted-folder'))
  },
  list_folder_outside: () => attempt('the names', () => fs.readdirSync(folder).length > 0),
  async follow_link_outside () {
    fs.symlinkSync(decoy, 'link')
    await attempt('the content', () => read('link'))
    await attempt('a change', () => write('link', 'r+'))
  },
  hard_link_outside: () => attempt('a second name', () => { fs.linkSync(decoy, 'hard'); return read('hard') }),
  climb_outside: () => attempt('the content', () => read('../'.repeat(40) + decoy.slice(1))),
  async root_of_others () {
    for (const pid of [1, 'self', parent(), victim]) {
      for (const way of ['root', 'cwd']) await attempt(`${way} of ${pid}`, () => read(`/proc/${pid}/${way}${decoy}`))
    }
  },
  change_mode_outside: () => attempt('its mode', () => { fs.chmodSync(decoy, 0o600); return (fs.statSync(decoy).mode & 0o777) === 0o600 }),
  change_times_outside: () => attempt('its times', () => { fs.utimesSync(decoy, 1, 1); return fs.statSync(decoy).mtimeMs === 1000 }),
  async write_system_folders () {
    for (const place of ['/usr/lib', '/bin', '/etc', '/dev', '/proc', '']) await attempt(place || '/', () => write(`${place}/${mark}`, 'w'))
  },
  async make_device () {
    await attempt('a disk', () => tool('/bin/mknod', 'disk', 'b', '254', '0'))
    await attempt('memory', () => tool('/bin/mknod', 'memory', 'c', '1', '1'))
  },
  async open_devices () {
    const names = ['mem', 'kmsg', 'sda', 'vda', 'kvm', 'fuse', 'tty', 'ptmx', 'loop0', 'loop-control', 'net/tun']
    for (const device of names) await attempt(device, () => fs.openSync('/dev/' + device, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK))
  },
  async become_root () {
    await attempt('the user', () => process.setuid(0))
    await attempt('the group', () => process.setgid(0))
    await attempt('the groups', () => process.setgroups([0]))
  },
  huge_file: () => attempt('64 MiB in a file', () => {
    process.on('SIGXFSZ', () => {})
    const file = fs.openSync('huge', 'w')
    for (let i = 0; i < 64; i++) for (let left = 1 << 20; left > 0;) left -= fs.writeSync(file, Buffer.alloc(left))
  }),
  many_files: () => attempt('1000 MiB in files', () => {
    const megabyte = Buffer.alloc(1 << 20)
    for (let i = 0; i < 1000; i++) fs.writeFileSync('file' + i, megabyte)
  }),
  many_names: () => attempt('100000 files', () => {
    for (let i = 0; i < 100000; i++) fs.closeSync(fs.openSync('name' + i, 'w'))
  }),
  hide_folders () {
    fs.mkdirSync('closed', 0)
    fs.symlinkSync('/', 'link')
    tool('/usr/bin/mkfifo', 'pipe')
    for (let i = 0; i < 2500; i++) {
      fs.mkdirSync('deep')
      process.chdir('deep')
    }
    say('done')
  },

  // --- processes ---
  async kill_process_outside () {
    await attempt('the process', () => process.kill(victim, 'SIGKILL'))
    await attempt('its group', () => process.kill(-victim, 'SIGKILL'))
  },
  signal_supervisor: () => attempt('the supervisor', () => process.kill(Number(targets.supervisor), 0)),
  kill_everything: () => attempt('all', () => { process.kill(-1, 'SIGKILL'); return false }),
  async kill_init () {
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGSTOP']) await attempt(signal, () => { process.kill(parent(), signal); return false })
    await wait(100)
  },
  async read_environment_outside () {
    for (const pid of [victim, parent(), 1]) await attempt(pid, () => read(`/proc/${pid}/environ`))
    await attempt('what was not given', () => Object.keys(process.env).some(key => key !== 'PATH' && key !== 'LANG'))
  },
  read_arguments_outside: () => attempt('the arguments', () => read(`/proc/${victim}/cmdline`)),
  async read_memory_outside () {
    for (const pid of [victim, parent()]) {
      await attempt(`the memory of ${pid}`, () => fs.openSync(`/proc/${pid}/mem`, 'r+'))
      await attempt(`the maps of ${pid}`, () => read(`/proc/${pid}/maps`))
      await attempt(`the files of ${pid}`, () => fs.readdirSync(`/proc/${pid}/fd`))
    }
  },
  list_processes: () => attempt('the process', () => fs.readdirSync('/proc').includes(String(victim))),
  renice_process_outside: () => attempt('its priority', () => os.setPriority(victim, 19)),
  pin_process_outside: () => attempt('its processors', () => tool('/usr/bin/taskset', '-p', '1', String(victim))),
  limit_process_outside: () => attempt('its limits', () => tool('/usr/bin/prlimit', '--pid', String(victim), '--nofile=7:7')),
  async leave_daemon () {
    shell('trap "" TERM HUP INT; while :; do sleep 600; done').unref()
    await wait(50)
    say('left')
  },
  hold_output () {
    childProcess.spawn('/bin/sleep', ['600'], { stdio: 'inherit' }).unref()
    say('left')
  },
  fork_bomb () {
    shell('f() { f & f & f; }; f')
    for (;;) pause(1000)
  },
  async running_forks () {
    shell('f() { sleep 0.01; f & }; f').unref()
    await wait(50)
    say('left')
  },
  many_threads: () => attempt('500 threads', () => new Promise((resolve, reject) => {
    let running = 0
    for (let i = 0; i < 500; i++) {
      const thread = new Worker('setTimeout(() => {}, 60000)', { eval: true, resourceLimits: { maxOldGenerationSizeMb: 4 } })
      thread.on('error', reject)
      thread.on('online', () => { if (++running === 500) resolve() })
    }
  })),
  many_processes: () => attempt('2000 processes', () => new Promise((resolve, reject) => {
    for (let i = 0; i < 2000; i++) childProcess.spawn('/bin/sleep', ['60'], { stdio: 'ignore' }).on('error', reject)
    setTimeout(resolve, 60000)
  })),
  zombies () {
    // The shell replaces itself by a program that never waits for what the shell had started.
    const left = shell('for i in 1 2 3 4 5 6 7 8; do (exit 0) & done; exec sleep 600')
    left.unref()
    pause(100)
    say('made')
  },
  stop_oneself: () => process.kill(process.pid, 'SIGSTOP'),
  sleep_forever: () => wait(600000),
  ignore_signals () {
    for (const signal of Object.keys(os.constants.signals)) {
      try { process.on(signal, () => {}) } catch {}
    }
    for (;;);
  },
  burn_in_children () {
    for (let i = 0; i < 4; i++) shell('while :; do :; done')
    for (;;);
  },
  async memory_bomb () {
    const blocks = []
    for (;;) blocks.push(Buffer.alloc(1 << 22, 1))
  },
  memory_in_children () {
    const script = 'const b = Buffer.alloc(48 << 20, 1); setTimeout(() => b, 600000)'
    for (let i = 0; i < 3; i++) childProcess.spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
    return wait(600000)
  },
  async shared_memory_bomb () {
    const blocks = []
    for (;;) blocks.push(new Uint8Array(new SharedArrayBuffer(1 << 24)).fill(1))
  },
  memory_in_files: () => attempt('endless files in memory', () => {
    const megabyte = Buffer.alloc(1 << 20)
    for (let i = 0; ; i++) fs.writeFileSync(`/dev/shm/${mark}${i}`, megabyte)
  }),

  // --- network ---
  connect_tcp: () => attempt('the listener', () => reach({ host: '127.0.0.1', port: Number(targets.tcp) })),
  connect_tcp6: () => attempt('the listener', () => reach({ host: '::1', port: Number(targets.tcp6) })),
  send_udp: () => attempt('the listener', () => new Promise((resolve, reject) => {
    const socket = dgram.createSocket('udp4').on('error', reject)
    socket.send('reached', Number(targets.udp), '127.0.0.1', error => { socket.close(); if (error) reject(error); else resolve() })
  })),
  listen_tcp: () => attempt('a port', () => new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => { server.close(); resolve() })
  })),
  connect_abstract: () => attempt('the listener', () => reach({ path: '\0' + targets.abstract })),
  connect_path: () => attempt('the listener', () => reach({ path: targets.socket })),
  list_interfaces: () => attempt('routing messages', () => Object.keys(os.networkInterfaces()).length > 0),
  other_sockets: () => attempt('a name server', () => new Promise((resolve, reject) => {
    const resolver = new (require('dns').Resolver)({ timeout: 300, tries: 1 })
    resolver.setServers([`127.0.0.1:${targets.udp}`])
    resolver.resolve4('decoy.invalid', error => error.code === 'ETIMEOUT' ? resolve() : reject(error))
  })),

  // --- the kernel ---
  async kernel_settings () {
    const names = ['sys/kernel/core_pattern', 'sys/kernel/hostname', 'sys/vm/drop_caches', 'sysrq-trigger', 'self/uid_map', 'self/oom_score_adj',
      '1/oom_score_adj']
    for (const setting of names) await attempt(setting, () => fs.openSync('/proc/' + setting, fs.constants.O_WRONLY))
  },
  async raise_limits () {
    for (const kind of ['nproc', 'nofile', 'fsize', 'cpu']) {
      await attempt(kind, () => tool('/bin/sh', '-c', { nproc: 'ulimit -p', nofile: 'ulimit -n', fsize: 'ulimit -f', cpu: 'ulimit -t' }[kind] + ' 1099511627776'))
    }
  },
  watch_folder_outside: () => attempt('the folder', () => { fs.watch(folder).close() }),
  watch_system: () => attempt('its programs', () => { fs.watch('/usr/bin').close() }),
  async read_network () {
    const port = ':' + Number(targets.tcp).toString(16).toUpperCase().padStart(4, '0')
    for (const own of ['self', 'thread-self', `self/task/${process.pid}`]) {
      await attempt(`${own} tcp`, () => fs.readFileSync(`/proc/${own}/net/tcp`, 'utf8').includes(port))
      await attempt(`${own} unix`, () => fs.readFileSync(`/proc/${own}/net/unix`, 'utf8').includes(targets.abstract))
      await attempt(`${own} routes`, () => fs.readFileSync(`/proc/${own}/net/fib_trie`, 'utf8').includes(' 127.0.0.0'))
    }
  },
  async read_host_settings () {
    for (const name of ['cmdline', 'config.gz']) await attempt(name, () => read(`/proc/${name}`))
    await attempt('its groups', () => /:\/\w/.test(fs.readFileSync('/proc/self/cgroup', 'utf8')))
    await attempt('its mounts', () => fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(folder))
  },
  leave_shared_memory: async () => {
    for (const kind of [['-M', '4096'], ['-S', '1'], ['-Q']]) await attempt(kind.join(' '), () => { tool('/usr/bin/ipcmk', ...kind); return false })
  },
  async leave_shared_files () {
    for (const place of ['/dev/shm', '/tmp', '/var/tmp', '/dev/mqueue']) await attempt(place, () => { write(`${place}/${mark}`, 'w'); return false })
  },
  make_namespace: () => attempt('a namespace', () => tool('/usr/bin/unshare', '--user', '/bin/true')),
  change_root: () => attempt('another root', () => tool('/usr/sbin/chroot', '.', '/bin/true')),

  // --- output ---
  output_flood () { for (;;) fs.writeSync(1, 'x'.repeat(65536)) },
  error_flood () { for (;;) fs.writeSync(2, 'x'.repeat(65536)) },
  crash: () => process.abort(),
  open_everything: () => attempt('endless files', () => { for (;;) fs.openSync('/dev/null', 'r') }),
  async leaked_descriptors () {
    for (const fd of fs.readdirSync('/proc/self/fd').map(Number).filter(fd => fd > 2)) {
      await attempt(fd, () => {
        const link = fs.readlinkSync('/proc/self/fd/' + fd)
        return !/^(anon_inode|pipe):|^\/dev\/null$|^\/proc\/[0-9]+\/fd$/.test(link) // node's own
      })
    }
    refused('the rest', 'node has these for itself')
  }
}

function reach (where) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(where, () => socket.end('reached', resolve)).on('error', reject)
    socket.setTimeout(2000, () => reject(new Error('nobody answers')))
  })
}

async function main () {
  say('begin')
  await attacks[name]()
  say('end')
  process.exit(0)
}
main().catch(error => { fs.writeSync(2, String(error.stack) + '\n'); process.exit(3) })
