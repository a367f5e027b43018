using Mesh.Hocon.Schema;
using Mesh.Protocol.Registry;
using Mesh.Registry.Http.Mail;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of what a registry uses outside of itself: files, a mail server, the node on the same machine.</summary>
internal static class RegistryPortKeys
{
    private const string Where = " A path that is not absolute is meant from the registry's directory.";

    public static ConfigKey<string> CountryDatabase { get; } = Path(
        "country-database", "MaxMind database of countries, for getCountry and communities; a newer file in its place is used within a minute. Unless set, the environment's GEOIP2_MMDB, if that is set.");

    public static ConfigKey<string> Communities { get; } = Path(
        "communities", "File that says which part of the network nodes get their prefixes from by their country: lines of BITS LOCATION..., as registries of re6st read them.");

    public static ConfigKey<string> Dh { get; } = Path(
        "dh", "Diffie-Hellman parameters that OpenVPN servers of the nodes use, PEM. Unless set, the group of RFC 7919 that is as strong as the authority's key.");

    public static ConfigKey<string> MailHost { get; } = ConfigKey.Text("registry.mail.host", new KeyOptions<string>
    {
        Meaning = "Mail server that brings tokens to those who ask for one, HOST or HOST:PORT; or a mailbox file, an absolute path. Unless set, nobody gets a token by mail.",
        Cost = "Everybody who can receive mail can join.",
        Range = "HOST, HOST:PORT or an absolute path",
        Check = static text => MailboxFile.IsPath(text) || SmtpMailOptions.TryParseHost(text, out _, out _),
    });

    public static ConfigKey<string> MailUser { get; } = ConfigKey.Text("registry.mail.user", new KeyOptions<string>
    {
        Meaning = "Name for the login to the mail server. Unless set, there is no login.",
    });

    public static ConfigKey<string> MailPasswordFile { get; } = Path("mail.password-file", "File with the password for the login to the mail server, one line; nobody but its owner may read it.");

    public static ConfigKey<bool> MailStartTls { get; } = ConfigKey.Boolean("registry.mail.starttls", new KeyOptions<bool>
    {
        Meaning = "Whether mails and the login are encrypted on the way to the mail server; one that cannot gets nothing then.",
        Cost = "Off sends the password in clear.",
        Default = false,
    });

    public static ConfigKey<TimeSpan> MailInterval { get; } = ConfigKey.Duration("registry.mail.interval", new KeyOptions<TimeSpan>
    {
        Meaning = "How long an address that was sent a token gets no other one.",
        Cost = "Shorter lets strangers fill somebody's mailbox faster.",
        Default = TimeSpan.FromMinutes(10),
    }, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));

    public static ConfigKey<int> LocalNodePort { get; } = ConfigKey.Int("registry.local-node.port", new KeyOptions<int>
    {
        Meaning = "UDP port on ::1 of the node on the same machine, which spreads the news of new parameters and asks other nodes for the registry; 0 for no such node.",
        Cost = "Without it nodes hear of new parameters only when they ask.",
        Default = LocalDatagram.NodePort,
    }, min: 0, max: 65_535);

    public static ConfigKey<string> BabelSocket { get; } = Path(
        "local-node.babel-socket", "Control socket of the patched babeld of a re6st node on the same machine, usually /var/run/re6stnet/babeld.sock. It tells which nodes can be offered as first peers. Unless set, only nodes that advertise are.");

    public static IReadOnlyList<ConfigKey> All { get; } =
        [CountryDatabase, Communities, Dh, MailHost, MailUser, MailPasswordFile, MailStartTls, MailInterval, LocalNodePort, BabelSocket];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("mail-login", [MailUser, MailPasswordFile], "a login needs a user and a password, or neither", static c => c.TryGet(MailUser, out _) == c.TryGet(MailPasswordFile, out _)),
    ];

    private static ConfigKey<string> Path(string name, string meaning) => ConfigKey.Text($"registry.{name}", new KeyOptions<string>
    {
        Meaning = meaning + Where,
        Range = "a path",
        Check = static text => text.Length > 0,
    });
}
