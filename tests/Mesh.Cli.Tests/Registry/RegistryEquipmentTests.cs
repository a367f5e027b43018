using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Configuration;
using Mesh.Cli.Control;
using Mesh.Cli.Logging;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Dh;
using Mesh.Registry.Http;
using Mesh.Registry.Http.Mail;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Registry;

public sealed class RegistryEquipmentTests : IDisposable
{
    private static readonly Lazy<CertificateAuthority> Authority = new(() => CertificateAuthority.Create(
        NetworkPrefix.Parse("2001:db8:42::/48"), PrivateKey.Generate(), "ca", "ca@example.org", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100)));

    private readonly TempFolder _folder = new();
    private readonly StringWriter _log = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_settings_there_is_the_node_and_nothing_else()
    {
        await using RegistryEquipment equipment = Open();
        Assert.Equal((FiniteFieldGroup.PemFor(2048), null, null), (equipment.Options.DhParameters, equipment.Options.Communities, equipment.Options.Mail));
        RegistryPorts ports = Ports(equipment);
        Assert.Equal((null, null, null), (ports.Countries, ports.Mail, ports.Routes));   // what is not there is not asked, and not warned of
        Assert.NotNull(ports.LocalNode);
    }

    [Fact]
    public async Task Files_are_meant_from_the_directory_of_the_registry()
    {
        _ = _folder.Write("areas", "0 FR\n1 *\n");
        string pem = FiniteFieldGroup.PemFor(4096);
        _ = _folder.Write("dh.pem", pem);
        await using RegistryEquipment equipment = Open("registry.communities=areas", "registry.dh=dh.pem", "registry.local-node.port=0");
        Assert.Equal(pem, equipment.Options.DhParameters);
        Assert.Equal(["0", "1"], equipment.Options.Communities!.Prefixes.Select(static prefix => prefix.Bits), StringComparer.Ordinal);
        Assert.Null(Ports(equipment).LocalNode);
        Assert.Contains("no country database", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_host_with_a_path_is_a_mailbox_file_and_the_interval_counts()
    {
        await using RegistryEquipment equipment = Open($"registry.mail.host={_folder["mbox"]}", "registry.mail.interval=7 s");
        Assert.Equal(("ca@example.org", TimeSpan.FromSeconds(7)), (equipment.Options.Mail!.From, equipment.Options.Mail.Interval));
        IMailPort mail = Ports(equipment).Mail!;
        Assert.IsType<MailboxFile>(mail);
        var outcome = new ChannelRef("/outcome");
        mail.Send(new TokenMail("ca@example.org", "jo@example.org", "abcdefgh", DateTimeOffset.UnixEpoch), outcome);
        Assert.IsType<MailSent>(await outcome.Messages.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Contains(": abcdefgh\n", await File.ReadAllTextAsync(_folder["mbox"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mail_server_gets_user_and_password_of_a_file_that_nobody_else_may_read()
    {
        string file = _folder.Write("password", "secret\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        string[] sets = ["registry.mail.host=[::1]:25", "registry.mail.user=jo", "registry.mail.password-file=password", "registry.mail.starttls=true"];
        string problem = Assert.Throws<CommandFailedException>(() => Open(sets)).Message;
        Assert.Contains("chmod 600", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using RegistryEquipment equipment = Open(sets);
        Assert.IsType<SmtpMail>(Ports(equipment).Mail);
    }

    [Fact]
    public async Task Routes_come_from_the_socket_that_is_named()
    {
        await using RegistryEquipment equipment = Open("registry.local-node.babel-socket=babeld.sock", "registry.local-node.port=0");
        var answer = new ChannelRef("/answer");
        Ports(equipment).Routes!.Dump(answer);
        DumpFailed failed = Assert.IsType<DumpFailed>(await answer.Messages.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Contains(_folder["babeld.sock"], failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_local_node_is_reached_at_the_configured_port()
    {
        using var node = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        node.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        await using RegistryEquipment equipment = Open($"registry.local-node.port={((IPEndPoint)node.LocalEndPoint!).Port}");
        Ports(equipment).LocalNode!.Send("hello"u8.ToArray());
        node.ReceiveTimeout = 20_000;
        Assert.Equal(5, node.Receive(new byte[100]));
    }

    [Fact]
    public void Tls_needs_an_address_a_certificate_and_a_key()
    {
        string[] sets = ["registry.http.tls-endpoints=[::1]:443", "registry.http.tls-certificate=c.pem", "registry.http.tls-key=k.pem"];
        RegistryServerOptions options = RegistryKeys.MapServer(MeshSchema.Schema.Resolve(new ConfigSources { Sets = sets }).Config);
        Assert.Equal(("[::1]:443", "c.pem", "k.pem"), (Assert.Single(options.TlsEndpoints).ToString(), options.TlsCertificate, options.TlsKey));
        for (int missing = 0; missing < sets.Length; missing++)
            Assert.Single(MeshSchema.Schema.Resolve(new ConfigSources { Sets = [.. sets.Where((_, index) => index != missing)] }).Problems);
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        _ = _folder.Write("areas", "0 FR\n01 *\n");
        _ = _folder.Write("dh.pem", "nothing");
        _ = _folder.Write("countries.mmdb", "nothing");
        string message = Assert.Throws<CommandFailedException>(() => Open(
            "registry.communities=areas", "registry.dh=dh.pem", "registry.country-database=countries.mmdb", "registry.mail.host=mail.example.org", "registry.mail.user=jo",
            "registry.mail.password-file=missing", "registry.ipv4-subnet-length=3")).Message;
        Assert.All(
            ["areas: line 2:", "dh.pem: ", "countries.mmdb is not a country database", "registry.mail.password-file: ", "ipv4-subnet-length needs ipv4"],
            part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Fact]
    public void Where_the_countries_are_may_stand_in_the_environment_as_with_re6st()
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["GEOIP2_MMDB"] = "/nowhere/countries.mmdb" };
        Assert.Contains("/nowhere/countries.mmdb is not a country database", Assert.Throws<CommandFailedException>(() => Open(environment)).Message, StringComparison.Ordinal);
    }

    private RegistryEquipment Open(params string[] sets) => Open(new Dictionary<string, string>(StringComparer.Ordinal), sets);

    private RegistryEquipment Open(Dictionary<string, string> environment, params string[] sets)
    {
        var context = new CliContext { Out = TextWriter.Null, Error = _log, Environment = environment };
        ResolvedConfig config = MeshSchema.Load(context with { Environment = new Dictionary<string, string>(StringComparer.Ordinal) }, [], sets);
        using ConsoleLog log = LogKeys.Open(config, _log);
        return RegistryEquipment.Open(context, _folder.Path, config, Authority.Value.Certificate, log);
    }

    private static RegistryPorts Ports(RegistryEquipment equipment) => equipment.Ports(null!, null!);
}
