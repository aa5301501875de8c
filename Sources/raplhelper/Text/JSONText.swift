extension Message {
    /// A JSON string (RFC 8259, section 7).
    mutating func append(json text: Span<UInt8>) {
        append(byte: UInt8(ascii: "\""))
        for index in 0..<text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(byte: UInt8(ascii: "\\"))
                append(byte: byte)
            case 0..<0x20:
                append("\\u")
                appendHexadecimal(UInt64(byte), digits: 4)
            default: append(byte: byte)
            }
        }
        append(byte: UInt8(ascii: "\""))
    }

    /// The fields of a line of logfmt as members of a JSON object, each behind a comma. What has only digits is a number.
    mutating func append(jsonOfLogfmt fields: Span<UInt8>) {
        var offset = 0
        while let equals = Message.endOfKey(in: fields, from: offset) {
            append(byte: UInt8(ascii: ","))
            append(json: fields.extracting(offset..<equals))
            append(byte: UInt8(ascii: ":"))
            offset = equals + 1
            let isQuoted = offset < fields.count && fields[offset] == UInt8(ascii: "\"")
            if isQuoted { offset += 1 }
            let start = offset
            var isNumber = !isQuoted
            while offset < fields.count && !isEnd(of: fields, at: offset, isQuoted) {
                isNumber = isNumber && UInt8(ascii: "0")...UInt8(ascii: "9") ~= fields[offset]
                offset += 1
            }
            let value = fields.extracting(start..<offset)
            isNumber = isNumber && value.count > 0 && (value.count == 1 || value[0] != UInt8(ascii: "0"))
            if isNumber { for index in 0..<value.count { append(byte: value[index]) } } else { append(json: value) }
            if isQuoted { offset += 1 }
            while offset < fields.count && fields[offset] == UInt8(ascii: " ") { offset += 1 }
        }
    }

    /// A value ends where the line does, or the next key begins; a name may have blanks in it.
    private func isEnd(of fields: Span<UInt8>, at offset: Int, _ isQuoted: Bool) -> Bool {
        let next = isQuoted ? offset + 1 : offset
        if isQuoted && fields[offset] != UInt8(ascii: "\"") { return false }
        if next == fields.count { return true }
        return fields[next] == UInt8(ascii: " ") && Message.endOfKey(in: fields, from: next + 1) != nil
    }

    /// Where the `=` of the key that begins here is.
    private static func endOfKey(in fields: Span<UInt8>, from start: Int) -> Int? {
        var offset = start
        while offset < fields.count,
            fields[offset] == UInt8(ascii: "_") || UInt8(ascii: "a")...UInt8(ascii: "z") ~= fields[offset]
        {
            offset += 1
        }
        return offset > start && offset < fields.count && fields[offset] == UInt8(ascii: "=") ? offset : nil
    }
}
