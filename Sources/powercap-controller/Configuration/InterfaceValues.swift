internal import HTTPServer
internal import LinuxSystem

// How the places where the controller is asked are read and written, and who may change limits there.

private enum Off {
    static let word = "off"
}

extension ValueKind where Value == String? {
    /// nil is none, which is written `off`.
    static let ownSocket = ValueKind(
        words: ValueWords(noun: "a socket's path", placeholder: "PATH", valid: "an absolute path of at most 107 bytes, or off"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            if text == Off.word { return nil }
            guard text.hasPrefix("/"), text.utf8.count > 1, !text.hasSuffix("/") else { throw .malformed }
            if text.utf8.count > 107 { throw .tooHigh }
            return text
        },
        show: { $0 ?? Off.word })
}

extension ValueKind where Value == ListenAddress? {
    /// nil is nowhere, which is written `off`.
    static let listenAddress = ValueKind(
        words: ValueWords(
            noun: "an address to listen on", placeholder: "ADDRESS:PORT",
            valid: "a numeric address of this machine and a port, such as 127.0.0.1:28320, 0.0.0.0:28320 or [::]:28320, or off"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            if text == Off.word { return nil }
            guard let address = ListenAddress(text) else { throw .malformed }
            return address
        },
        show: { $0.map { "\($0)" } ?? Off.word })
}

extension ValueKind where Value == UInt32? {
    /// A group's number. nil is none, which is written as nothing at all.
    static let group = ValueKind(
        words: ValueWords(noun: "a group", placeholder: "GROUP", valid: "a name of \(AccountFile.groups), or a number"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { return nil }
            if let number = wholeNumber(text) {
                guard number < UInt32.max else { throw .malformed }
                return UInt32(number)
            }
            switch AccountFile.id(of: text, in: AccountFile.groups) {
            case .id(let gid): return gid
            case .unknownName, .unreadable: throw .unknownName
            }
        },
        show: { $0.map { "\($0)" } ?? "" })
}
