extension String {
    /// As a part of something that has signs of its own (RFC 3986, section 2.1): each byte that isn't plain as `%XX`. For `%` to be read back as it
    /// was, it must not be plain.
    public func percentEncoded(but isPlain: (UInt8) -> Bool) -> String {
        utf8.reduce(into: "") { encoded, byte in
            if isPlain(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
