internal import CThreads
internal import LinuxSystem
internal import Text

/// The addresses of the names that requests go to. libcurl would wait for its own resolver, within calls that are meant not to wait; here
/// a thread asks (getaddrinfo(3), so that /etc/hosts and search domains count), and its answer comes over a descriptor.
final class Names {
    private let epoll: Epoll
    private var entries: [Entry]

    /// When an answer has come, `epoll` is readable.
    init(_ endpoints: [Endpoint], _ epoll: Epoll) {
        self.epoll = epoll
        entries = endpoints.filter { !$0.isAddress }.map(Entry.init)
    }

    private final class Entry {
        let endpoint: Endpoint
        var addresses: [String] = []
        var answered_ns: UInt64 = 0
        /// Nothing is known, or what was known led nowhere.
        var isDoubtful = true
        /// Why the last look-up came to nothing.
        var problem: String?
        var lookup: Lookup?

        init(_ endpoint: Endpoint) { self.endpoint = endpoint }
    }

    private final class Lookup {
        let descriptor: Descriptor
        let started_ns: UInt64
        var answer: [UInt8] = []

        init(_ host: String, _ now_ns: UInt64) throws(Errno) {
            let number = unsafe host.withCString { unsafe ct_lookup($0) }
            if number < 0 { throw Errno(-number) }
            descriptor = Descriptor(owning: number)
            started_ns = now_ns
        }

        /// The whole answer; nil as long as there is none.
        func read() -> String? {
            var chunk = [UInt8](repeating: 0, count: 4096)
            while let count = try? descriptor.read(into: &chunk, from: 0, atMost: chunk.count) {
                if count == 0 { return String(decoding: answer, as: UTF8.self) }
                answer += chunk[..<count]
            }
            return nil
        }
    }

    /// What is this old is looked up again beside a request.
    private static let fresh_ns: UInt64 = 60_000_000_000
    /// A look-up that takes longer is left to itself when there is need of one: the name servers may be others by now.
    private static let longestLookup_ns: UInt64 = 30_000_000_000

    enum State: Equatable {
        case known
        /// There may be addresses of old.
        case asking(hasOld: Bool)
        case unknown(String)
    }

    /// Starts what look-ups a request needs.
    func want(_ now_ns: UInt64) {
        for entry in entries where entry.isDoubtful || now_ns - entry.answered_ns > Names.fresh_ns { lookUp(entry, now_ns) }
    }

    /// An exchange came to nothing: the names may stand for other addresses now.
    func doubt() { for entry in entries { (entry.isDoubtful, entry.problem) = (true, nil) } }

    var state: State {
        guard entries.contains(where: \.isDoubtful) else { return .known }
        for entry in entries { if entry.isDoubtful, let problem = entry.problem { return .unknown(problem) } }
        return .asking(hasOld: entries.allSatisfy { !$0.addresses.isEmpty })
    }

    /// What is said of names that nobody answers for.
    var silence: String {
        let names = entries.filter { $0.addresses.isEmpty }.map { quoted($0.endpoint.host) }.joined(separator: " and ")
        return "no name server answers for \(names) (see /etc/resolv.conf; in a pod, dnsPolicy)"
    }

    /// As CURLOPT_RESOLVE(3) takes them.
    var resolved: [String] {
        entries.filter { !$0.addresses.isEmpty }.map { entry in
            let addresses = entry.addresses.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
            return "\(entry.endpoint.host):\(entry.endpoint.port):\(addresses)"
        }
    }

    private func lookUp(_ entry: Entry, _ now_ns: UInt64) {
        if let lookup = entry.lookup, now_ns - lookup.started_ns < Names.longestLookup_ns { return }
        do throws(Errno) {
            let lookup = try Lookup(entry.endpoint.host, now_ns)
            if let old = entry.lookup { epoll.remove(old.descriptor.number) }
            entry.lookup = lookup
            try epoll.add(lookup.descriptor.number, token: 0)
        } catch {
            // As many as may wait are waiting: one of them will answer, or the next request tries again.
            if error != .again { entry.problem = "\(quoted(entry.endpoint.host)) can't be looked up: \(error.explanation)" }
        }
    }

    /// Takes the answers that have come.
    func run(_ now_ns: UInt64) {
        for entry in entries {
            guard let lookup = entry.lookup, let answer = lookup.read() else { continue }
            epoll.remove(lookup.descriptor.number)
            entry.lookup = nil
            let addresses = answer.hasPrefix("!") ? [] : answer.split(separator: " ").map(String.init)
            if addresses.isEmpty {
                let why = answer.hasPrefix("!") ? String(answer.dropFirst()) : "it has no address"
                entry.problem = "\(quoted(entry.endpoint.host)) can't be looked up: \(why)"
                // Better the addresses of old than none.
                entry.isDoubtful = entry.addresses.isEmpty
            } else {
                (entry.addresses, entry.answered_ns, entry.isDoubtful, entry.problem) = (addresses, now_ns, false, nil)
            }
        }
    }
}
