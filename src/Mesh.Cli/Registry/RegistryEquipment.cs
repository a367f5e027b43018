using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Cli.Configuration;
using Mesh.Cli.Logging;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Dh;
using Mesh.Registry.Geography;
using Mesh.Registry.Http.Geography;
using Mesh.Registry.Http.LocalNode;
using Mesh.Registry.Http.Mail;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Registry;

/// <summary>What a registry on this machine is given besides its journal: options with the files that they name, mail, countries, the node next to it.</summary>
internal sealed class RegistryEquipment : IAsyncDisposable
{
    private const string CountryVariable = "GEOIP2_MMDB";
    private const int MaxFileLength = 1024 * 1024;
    private const UnixFileMode ForOthers = (UnixFileMode)0b111_111;

    private readonly List<object> _owned = [];

    private RegistryEquipment(RegistryOptions options) => Options = options;

    /// <summary>The settings, with the contents of the files that they name.</summary>
    public RegistryOptions Options { get; private init; }

    private ICountries? Countries { get; init; }

    private IMailPort? Mail { get; init; }

    private ILocalNodePort? LocalNode { get; init; }

    private IRouteDumpPort? Routes { get; init; }

    /// <summary>Opens everything that a configuration names.</summary>
    /// <exception cref="CommandFailedException">Some of it cannot be used: all problems at once.</exception>
    public static RegistryEquipment Open(CliContext context, string directory, ResolvedConfig config, AuthorityCertificate authority, ConsoleLog log)
    {
        var problems = new List<string>();
        string At(string path) => Path.GetFullPath(path, directory);

        RegistryOptions options = RegistryKeys.Map(config) with { DhParameters = FiniteFieldGroup.PemFor(authority.PublicKey.Size) };
        if (Read(config, RegistryPortKeys.Dh, At, problems) is { } dh)
        {
            if (DhParameters.TryRead(dh.Text, out string pem, out string? problem))
                options = options with { DhParameters = pem };
            else
                problems.Add($"{dh.Path}: {problem}");
        }

        if (Read(config, RegistryPortKeys.Communities, At, problems) is { } file)
        {
            if (Communities.TryParse(file.Text, authority.Network, out Communities? communities, out IReadOnlyList<string> wrong))
                options = options with { Communities = communities };
            problems.AddRange(wrong.Select(problem => $"{file.Path}: {problem}"));
        }

        CountryFile? countries = OpenCountries(context, config, At, log, problems);
        if (options.Communities is not null && countries is null && problems.Count == 0)
            log.Write(LogLevel.Warning, "registry", "there are communities but no country database, so every node is in the community of the location *");
        (IMailPort? mail, MailOptions? mailOptions) = OpenMail(config, At, authority, problems);
        options = options with { Mail = mailOptions };
        problems.AddRange(options.Validate(authority.Network));
        int port = config.Get(RegistryPortKeys.LocalNodePort);
        var opened = new RegistryEquipment(options)
        {
            Countries = countries,
            Mail = mail,
            LocalNode = problems.Count == 0 && port != 0 ? OpenLocalNode(port, log) : null,
            Routes = config.TryGet(RegistryPortKeys.BabelSocket, out string? socket) ? new BabelControlSocket(At(socket)) : null,
        };
        opened._owned.AddRange(((object?[])[countries, mail, opened.LocalNode]).OfType<object>());
        if (problems.Count == 0)
            return opened;
        opened.DisposeAsync().AsTask().GetAwaiter().GetResult();
        throw CommandFailedException.Usage(problems);
    }

    /// <summary>The ports for the actors.</summary>
    public RegistryPorts Ports(IRegistryAuthority authority, IWorkPool work) =>
        new(authority, work) { Countries = Countries, Mail = Mail, LocalNode = LocalNode, Routes = Routes };

    /// <summary>Closes what was opened.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (object owned in _owned)
        {
            if (owned is IAsyncDisposable later)
                await later.DisposeAsync();
            else
                ((IDisposable)owned).Dispose();
        }

        _owned.Clear();
    }

    private static CountryFile? OpenCountries(CliContext context, ResolvedConfig config, Func<string, string> at, ConsoleLog log, List<string> problems)
    {
        if (!config.TryGet(RegistryPortKeys.CountryDatabase, out string? path) && !context.Environment.TryGetValue(CountryVariable, out path))
            return null;
        try
        {
            return CountryFile.Open(at(path!), (level, text) => log.Write(level, "countries", text));
        }
        catch (CountryFileException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    private static (IMailPort? Port, MailOptions? Options) OpenMail(ResolvedConfig config, Func<string, string> at, AuthorityCertificate authority, List<string> problems)
    {
        if (!config.TryGet(RegistryPortKeys.MailHost, out string? host))
            return default;
        var options = new MailOptions { From = authority.EmailAddress ?? "", Interval = config.Get(RegistryPortKeys.MailInterval) };
        if (MailboxFile.IsPath(host))
            return (new MailboxFile(host), options);
        _ = SmtpMailOptions.TryParseHost(host, out string name, out int port);
        (string Path, string Text)? password = Read(config, RegistryPortKeys.MailPasswordFile, at, problems);
        if (password is { } secret && (File.GetUnixFileMode(secret.Path) & ForOthers) != UnixFileMode.None)
            problems.Add($"{secret.Path}: others can read the password; it has to have mode 600: chmod 600 {secret.Path}");
        try
        {
            return (new SmtpMail(new SmtpMailOptions
            {
                Host = name,
                Port = port,
                User = config.TryGet(RegistryPortKeys.MailUser, out string? user) ? user : null,
                Password = password?.Text.TrimEnd('\r', '\n'),
                StartTls = config.Get(RegistryPortKeys.MailStartTls),
            }), options);
        }
        catch (MailException e)
        {
            problems.Add(e.Message);
            return default;
        }
    }

    private static UdpLocalNode? OpenLocalNode(int port, ConsoleLog log)
    {
        try
        {
            return UdpLocalNode.Open(port);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            // A machine without IPv6 can have no node either.
            log.Write(LogLevel.Warning, "registry", $"the node on this machine cannot be reached: {e.Message}");
            return null;
        }
    }

    private static (string Path, string Text)? Read(ResolvedConfig config, ConfigKey<string> key, Func<string, string> at, List<string> problems)
    {
        if (!config.TryGet(key, out string? given))
            return null;
        string path = at(given);
        try
        {
            if (new FileInfo(path).Length <= MaxFileLength)
                return (path, File.ReadAllText(path));
            problems.Add($"{path} has more than {MaxFileLength} octets, so it is not what {key} names");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{key}: {e.Message}");
        }

        return null;
    }
}
