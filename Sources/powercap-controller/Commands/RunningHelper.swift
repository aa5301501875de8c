/// The zones of the helper at `configuration.helperSocket`; nil if none answers.
func zonesOfRunningHelper(configuration: Configuration) -> [Zone]? {
    guard let client = try? HelperClient(connecting: configuration.helperSocket), let zones = try? client.zones() else {
        return nil
    }
    return [Zone](zones, try? client.sample())
}
