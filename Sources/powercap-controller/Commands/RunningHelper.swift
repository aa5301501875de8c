/// The zones of the helper at `configuration.helperSocket`; nil if none answers.
func zonesOfRunningHelper(configuration: Configuration) -> [Zone]? { nil }
