internal import Fleet
internal import HTTP
internal import HTTPServer
internal import Kubernetes
internal import LinuxSystem
internal import Logging

enum CoordinateFlags {
    static let listen = CommandFlag(
        "--listen", .address, default: ListenAddress("[::]:8443")!, "Where nodes ask for grants, over TLS.")
    static let certificate = CommandFlag(
        "--certificate", .knownFile, default: "/etc/powercap/coordinator/tls.crt",
        "The certificate that nodes check, with its chain, as PEM. Looked at every few seconds: another one is used from then on."
    )
    static let key = CommandFlag(
        "--key", .knownFile, default: "/etc/powercap/coordinator/tls.key", "The certificate's key, as PEM.")
    static let audience = CommandFlag(
        "--audience", .word, default: "powercap-coordinator", "Of the nodes' tokens: one for anybody else is refused.")
    static let account = CommandFlag(
        "--account", .account, default: "powercap-system/powercap-controller",
        "The service account of the nodes' pods: a token of any other is refused.")
    static let namespace = CommandFlag("--namespace", .word, default: "powercap-system", "Where the Lease is.")
    static let identity = CommandFlag(
        "--identity", .hostWord, default: "",
        "What this coordinator is called in the Lease; the host's name where it isn't given.")
    static let shard = CommandFlag(
        "--shard", .count(0...63), default: 0,
        "Which shard this coordinator keeps, from 0 on: its part of each budget, for its part of the nodes.")
    static let shards = CommandFlag(
        "--shards", .count(Sharding.range), default: 1,
        "In how many shards nodes are kept. All coordinators, and the nodes' GRANT_SHARDS, say the same.")

    static let all = [
        listen.described, certificate.described, key.described, audience.described, account.described, namespace.described,
        identity.described,
        shard.described, shards.described,
    ]
}

extension ValueKind where Value == ListenAddress {
    static let address = ValueKind(
        words: ValueWords(
            noun: "an address to listen on", placeholder: "ADDRESS:PORT",
            valid: "a numeric address of this machine and a port, such as 0.0.0.0:8443 or [::]:8443"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            guard let address = ListenAddress(text) else { throw .malformed }
            return address
        },
        show: { "\($0)" })
}

extension ValueKind where Value == String {
    static let knownFile = ValueKind(
        words: ValueWords(noun: "a file's path", placeholder: "PATH", valid: "an absolute path"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            guard text.hasPrefix("/"), !text.utf8.contains(0) else { throw .malformed }
            return text
        },
        show: { $0 })

    /// The same, or nothing.
    static let hostWord = ValueKind(words: word.words, parse: word.parse, show: { $0.isEmpty ? "the host's name" : $0 })

    /// A namespace and a name in it.
    static let account = ValueKind(
        words: ValueWords(
            noun: "a service account", placeholder: "NAMESPACE/NAME",
            valid: "a namespace and a name, such as powercap-system/powercap-controller"),
        parse: { text throws(ValueProblem) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), !text.contains(":") else { throw .malformed }
            return try word.parse(text)
        },
        show: { $0 })

    /// A name of Kubernetes' or of a machine.
    static let word = ValueKind(
        words: ValueWords(
            noun: "a name", placeholder: "NAME", valid: "letters, digits, ., -, _, : and /, at most 253 bytes", highest: ""),
        parse: { text throws(ValueProblem) in
            if text.utf8.count > 253 { throw .tooHigh }
            let isWord = text.utf8.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                    || UInt8(ascii: "-")...UInt8(ascii: ":") ~= byte || byte == UInt8(ascii: "_")
            }
            guard isWord else { throw .malformed }
            return text
        },
        show: { $0 })
}

extension CoordinateOptions {
    init(_ invocation: Invocation, _ settings: Settings) throws(UsageError) {
        let (shard, shards) = (try CoordinateFlags.shard.value(in: invocation), try CoordinateFlags.shards.value(in: invocation))
        if shard >= shards, let given = CoordinateFlags.shard.given(in: invocation) {
            throw .value(given, .tooHigh, ValueKind<Int>.count(0...shards - 1).words)
        }
        let name = try CoordinateFlags.identity.value(in: invocation)
        let account = try CoordinateFlags.account.value(in: invocation).split(separator: "/").joined(separator: ":")
        self.init(
            listen: try CoordinateFlags.listen.value(in: invocation),
            certificate: CertificateFiles(
                certificate: try CoordinateFlags.certificate.value(in: invocation),
                key: try CoordinateFlags.key.value(in: invocation)),
            audience: try CoordinateFlags.audience.value(in: invocation),
            account: "system:serviceaccount:\(account)",
            namespace: try CoordinateFlags.namespace.value(in: invocation),
            identity: name.isEmpty ? Process.hostName : name,
            shard: shard, sharding: Sharding(shards),
            // The node's own controller has the other one.
            metricsAddress: settings.given("METRICS_ADDRESS").isDefault
                ? ListenAddress("127.0.0.1:28321") : settings.configuration.metricsAddress)
    }
}

/// `powercap-controller coordinate`: the exit status.
func coordinateCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let options = try CoordinateOptions(invocation, settings)
    guard let reason = settings.reasonForKubernetes else { throw .coordinatesNothing }
    let access = try settings.clusterAccess()
    let head = Log.Head(journal: Process.environment("JOURNAL_STREAM"), standardError: Process.standardError)
    let log = Log(format: settings.configuration.logFormat, level: settings.configuration.logLevel, head: head)
    defer { LogStream.end() }
    Process.ignoreBrokenPipes()
    log.info(
        "coordinating", ("identity", .text(options.identity)), ("server", .text(access.server.address)),
        ("because", .text(reason)))
    let coordination: Coordination
    do throws(APIProblem) { coordination = try Coordination(options, access, log) } catch {
        complain("can't coordinate: \(error.sentence)")
        return 1
    }
    return coordination.run()
}
