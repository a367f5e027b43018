using System.CommandLine;
using Mesh.Actors.Persistence;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Cli.Configuration;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Hocon;
using Mesh.Hocon.Schema;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Events;
using Mesh.Registry.Http.Re6st;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry import</c>: takes over the network of a registry of re6st.</summary>
internal static class ImportCommand
{
    private const int MaxFileLength = 64 * 1024;

    public static Command Create(CliContext context)
    {
        var database = new Option<string>("--re6st") { Description = "Database of re6st-registry, which must not run: usually /var/lib/re6stnet/registry.db.", Required = true, HelpName = "FILE" };
        var certificate = new Option<string>("--ca") { Description = "Certificate of the network's authority, PEM.", Required = true, HelpName = "FILE" };
        var key = new Option<string>("--key") { Description = "Its key, PEM, not encrypted.", Required = true, HelpName = "FILE" };
        Option<string> dir = CommonOptions.Dir("Directory of the new registry; made if it is missing.");
        var isDry = new Option<bool>("--dry-run") { Description = "Read and check everything, say what would be taken over, and make nothing." };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("import", "Take over a network of re6st: its nodes, tokens, revocations, keys and parameters.")
        {
            Notes =
            [
                "Nothing of the old registry is changed. Everything is checked before anything is made: certificates, overlaps, serial numbers, the signed version.",
                "The settings that the network has are written into registry.conf: compare them with the options of re6st-registry before the start. Grace period, mail and communities are not in its database.",
            ],
            Examples = ["mesh registry import --re6st registry.db --ca ca.crt --key ca.key --dir /var/lib/mesh/registry"],
        };
        foreach (Option option in (Option[])[database, certificate, key, dir, isDry, json])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            string certificateText = Read(checks, "--ca", parsed.GetValue(certificate)!), keyText = Read(checks, "--key", parsed.GetValue(key)!);
            checks.ThrowIfAny();
            if (!CertificateAuthority.TryLoad(certificateText, keyText, out CertificateAuthority? loaded, out string? problem))
                throw CommandFailedException.Usage($"--ca {parsed.GetValue(certificate)}, --key {parsed.GetValue(key)}: {problem}");
            using CertificateAuthority authority = loaded;
            DateTimeOffset now = DateTimeOffset.UtcNow;
            TimeSpan grace = new RegistryOptions().GracePeriod;
            Re6stRegistry registry;
            try
            {
                registry = Re6stRegistryReader.Read(parsed.GetValue(database)!, authority.Certificate);
            }
            catch (Re6stImportException e)
            {
                throw CommandFailedException.Usage(e.Problems);
            }

            string configuration = ConfigurationOf(registry);
            CheckConfiguration(configuration, $"{parsed.GetValue(database)}, table config, row 'last_config', as registry.conf", registry.Network);
            var directory = new RegistryDirectory(parsed.GetValue(dir)!);
            try
            {
                directory.ThrowIfOccupied();
            }
            catch (RegistryDirectoryException e)
            {
                throw CommandFailedException.Usage(e.Message.Split('\n'));
            }

            if (!parsed.GetValue(isDry))
                await MakeAsync(directory, authority, configuration, Re6stImport.EventsOf(registry, now, grace), cancellation);
            Report(context, parsed.GetValue(json), registry, registry.Summarize(now, grace), parsed.GetValue(isDry) ? null : directory.DirectoryPath);
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task MakeAsync(
        RegistryDirectory directory, CertificateAuthority authority, string configuration, IReadOnlyDictionary<string, IReadOnlyList<object>> streams, CancellationToken cancellation)
    {
        try
        {
            await Task.Run(() => directory.Adopt(authority, configuration, () => Fill(directory.JournalPath, streams, cancellation)), cancellation);
        }
        catch (RegistryDirectoryException e)
        {
            throw CommandFailedException.Usage(e.Message.Split('\n'));
        }
    }

    private static string ConfigurationOf(Re6stRegistry registry) => string.Join('\n',
    [
        "# Settings of a registry of re6st, as it published them last. Every key may be left out; `mesh config reference` shows all of them.", "registry {",
        .. Re6stImport.SettingsOf(registry.LastConfig).Select(static line => "  " + line), "}", "",
    ]);

    // Before anything is made: a registry whose settings cannot be read would not start.
    private static void CheckConfiguration(string text, string name, NetworkPrefix network)
    {
        ConfigResult result = MeshSchema.Schema.Resolve(new ConfigSources { Files = [name], Options = HoconOptions.Default with { Loader = new OneText(name, text) } });
        string[] problems = [.. result.Problems.Select(static problem => problem.ToString())];
        if (problems.Length == 0)
            problems = [.. RegistryKeys.Map(result.Config).Validate(network).Select(problem => $"{name}: {problem}")];
        if (problems.Length > 0)
            throw CommandFailedException.Usage([.. problems, "set it right in the options of re6st-registry, start that once so that it publishes them, and stop it"]);
    }

    private static void Fill(string path, IReadOnlyDictionary<string, IReadOnlyList<object>> streams, CancellationToken cancellation)
    {
        EventSchema schema = RegistrySchema.AddTo(new EventSchema());
        using SqliteJournal journal = SqliteJournal.Open(path);
        var outcomes = new ChannelRef("/import");
        foreach ((string stream, IReadOnlyList<object> events) in streams)
        {
            journal.Append(new AppendRequest(1, stream, [.. events.Select((happened, index) => Stored(schema, happened, index + 1))], outcomes));
            if (outcomes.Messages.ReadAsync(cancellation).AsTask().GetAwaiter().GetResult() is AppendFailed failed)
                throw CommandFailedException.Failed($"{path}: {failed.Reason}");
        }
    }

    private static JournalEvent Stored(EventSchema schema, object happened, long sequenceNr)
    {
        (string name, int version, byte[] payload) = schema.Serialize(happened);
        return new JournalEvent(sequenceNr, name, version, payload, DateTimeOffset.UtcNow);
    }

    private static void Report(CliContext context, bool isJson, Re6stRegistry registry, Re6stSummary summary, string? made)
    {
        if (isJson)
        {
            context.Out.WriteLine(JsonText.Text(new { network = registry.Network.ToString(), directory = made, takenOver = summary, registry.Notes }));
            return;
        }

        context.Out.WriteLine($"network {registry.Network} {(made is null ? "can be taken over" : $"was taken over into {made}")}");
        foreach (string line in summary.Lines().Concat(registry.Notes))
            context.Out.WriteLine($"  {line}");
        if (made is not null)
            context.Out.WriteLine($"compare {made}/registry.conf with the options of re6st-registry; then: mesh registry run --dir {made}");
    }

    private static string Read(Checks checks, string option, string path)
    {
        try
        {
            if (new FileInfo(path).Length <= MaxFileLength)
                return File.ReadAllText(path);
            checks.Add($"{option} {path}: the file has more than {MaxFileLength} octets");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            checks.Add($"{option} {path}: {e.Message}");
        }

        return "";
    }

    /// <summary>A configuration that is not in a file yet, and includes none.</summary>
    private sealed class OneText(string path, string text) : IHoconLoader
    {
        private readonly string _path = path;

        public string Locate(string name, string including) => name;

        public string? Load(string path, int maxLength) => path == _path ? text : null;
    }
}
