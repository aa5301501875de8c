internal import HTTP

/// The address of a coordinator, in which `{shard}` stands for the node's shard.
struct CoordinatorAddress: Equatable, Sendable {
    /// `https://HOST[:PORT]`.
    let text: String

    /// nil where it is none: a token goes there, so it has TLS.
    init?(_ text: String) {
        self.text = text
        guard let url = try? WebURL(text.filled(0)), url.origin.hasPrefix("https://"), url.path == "/", url.query.isEmpty,
            CoordinatorAddress.whole(text.filled(0)) != nil
        else { return nil }
    }

    var namesShard: Bool { text.filled(0) != text }

    /// Where reports are posted to.
    func url(shard: Int) -> WebURL? { CoordinatorAddress.whole(text.filled(shard)) }

    private static func whole(_ text: String) -> WebURL? {
        (try? WebURL(text)).flatMap { try? WebURL($0.origin + GrantSettings.path) }
    }
}

extension String {
    fileprivate func filled(_ shard: Int) -> String {
        var parts: [Substring] = []
        var rest = self[...]
        while let open = rest.firstIndex(of: "{"), rest[open...].hasPrefix("{shard}") {
            parts.append(rest[..<open])
            parts.append("\(shard)")
            rest = rest[open...].dropFirst("{shard}".count)
        }
        return (parts + [rest]).joined()
    }
}
