using System.CommandLine;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Node.Joining;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Join;

/// <summary><c>mesh join</c>: makes this machine a member of a network.</summary>
internal static class JoinCommand
{
    private const int MaxTokenLength = 256;

    public static Command Create(CliContext context)
    {
        var registry = new Option<string>("--registry") { Description = "Base URL of the network's registry.", Required = true, HelpName = "URL" };
        var token = new Option<string?>("--token") { Description = "The token that the registry's administrator gave you.", HelpName = "TOKEN" };
        var anonymous = new Option<bool>("--anonymous") { Description = "Join without token, where the registry lets nodes do that." };
        Option<string> dir = CommonOptions.Dir("Where the node keeps its key and certificates; made if it is missing.");
        var fingerprint = new Option<string?>("--fingerprint")
        {
            Description = "What the authority's certificate must match; without, whoever controls the way to the registry can pose as it.",
            HelpName = "ALG:HEX",
        };
        var subject = new Option<string[]>("--subject") { Description = "A further name in the certificate; may be repeated.", HelpName = "NAME=VALUE", DefaultValueFactory = _ => [] };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("join", "Make this machine a member of a network: key, certificate, registry's address.")
        {
            Notes =
            [
                "Everything is checked before the token is sent, for a token is good only once. An existing key in DIR is used, and no file is overwritten.",
                $"Names for --subject: {string.Join(", ", CertificateRequestBuilder.KnownNames)}.",
            ],
            Examples =
            [
                "mesh join --registry http://registry.example.org:6680 --token abcdefgh --dir /var/lib/mesh/node",
                "mesh join --registry http://192.0.2.1:6680 --token abcdefgh --dir node --fingerprint sha256:... --subject O=Example",
            ],
        };
        foreach (Option option in (Option[])[registry, token, anonymous, dir, fingerprint, subject, json])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            string url = checks.Url("--registry", parsed.GetValue(registry)!);
            string secret = CheckToken(checks, parsed.GetValue(token), parsed.GetValue(anonymous));
            Fingerprint? expected = CheckFingerprint(checks, parsed.GetValue(fingerprint));
            List<(string, string)> names = CheckSubject(checks, parsed.GetValue(subject)!);
            var directory = new NodeDirectory(parsed.GetValue(dir)!);
            CheckDirectory(checks, directory);
            checks.ThrowIfAny();

            Joined joined = await new JoinRun(context, directory, cancellation).RunAsync(new JoinOrder(url, secret, expected, directory.LoadKey(), names));
            if (parsed.GetValue(json))
            {
                context.Out.WriteLine(JsonText.Text(new
                {
                    network = joined.Authority.Network.ToString(),
                    prefix = joined.Certificate.Prefix.CommonName,
                    subnet = joined.Certificate.Prefix.Subnet(joined.Authority.Network).ToString(),
                    address = joined.Certificate.Prefix.NodeAddress(joined.Authority.Network).ToString(),
                    notAfter = joined.Certificate.NotAfter,
                    fingerprint = Fingerprint.Of(joined.Authority.Der.AsSpan()).ToString(),
                    directory = directory.DirectoryPath,
                }));
            }
            else
            {
                context.Out.WriteLine($"joined {joined.Authority.Network} with address {joined.Certificate.Prefix.NodeAddress(joined.Authority.Network)}; certificate until {joined.Certificate.NotAfter:yyyy-MM-dd}");
                context.Out.WriteLine($"start the node as root with: mesh node run --dir {directory.DirectoryPath}");
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static string CheckToken(Checks checks, string? token, bool isAnonymous)
    {
        if (isAnonymous)
        {
            if (token is not null)
                checks.Add("--token and --anonymous exclude each other");
            return "";
        }
        if (token is null)
            checks.Add("--token is needed; ask the registry's administrator for one (or say --anonymous, where the registry lets nodes join without)");
        else if (token.Length is 0 or > MaxTokenLength || token.Any(static c => char.IsControl(c) || char.IsWhiteSpace(c)))
            checks.Add($"--token: a token has 1 to {MaxTokenLength} characters, without blanks");   // not repeated: it is a secret
        return token ?? "";
    }

    private static Fingerprint? CheckFingerprint(Checks checks, string? text)
    {
        if (text is null)
            return null;
        if (!Fingerprint.TryParse(text, out Fingerprint? fingerprint, out string? problem))
            checks.Add($"--fingerprint: {problem}");
        return fingerprint;
    }

    private static List<(string, string)> CheckSubject(Checks checks, string[] names)
    {
        var subject = new List<(string, string)>();
        var request = new CertificateRequestBuilder();
        foreach (string text in names)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            (string name, string value) = equals < 0 ? (text, "") : (text[..equals], text[(equals + 1)..]);
            if (equals < 0)
                checks.Add($"--subject {text}: expected NAME=VALUE");
            else if (!CertificateRequestBuilder.KnownNames.Contains(name, StringComparer.Ordinal))
                checks.Add($"--subject {text}: there is no name '{name}'; names are {string.Join(", ", CertificateRequestBuilder.KnownNames)}");
            else if (!request.TryAdd(name, value))
                checks.Add($"--subject {text}: the value cannot stand in a certificate (1 to 64 characters; a country has two letters)");
            else
                subject.Add((name, value));
        }
        return subject;
    }

    private static void CheckDirectory(Checks checks, NodeDirectory directory)
    {
        if (File.Exists(directory.DirectoryPath))
        {
            checks.Add($"--dir {directory.DirectoryPath}: this is a file, and a directory is expected");
            return;
        }
        if (File.Exists(directory.CertificatePath))
        {
            checks.Add($"--dir {directory.DirectoryPath}: this directory has a node.crt already, so it has joined; run the node, or choose another directory");
            return;
        }
        if (!checks.IsClean)
            return;   // nothing is made for a command line that is wrong
        string probe = Path.Combine(directory.DirectoryPath, $".probe-{Environment.ProcessId}");
        try
        {
            if (!Directory.Exists(directory.DirectoryPath))
                _ = Directory.CreateDirectory(directory.DirectoryPath, FileModes.OwnDirectory);
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            checks.Add($"--dir {directory.DirectoryPath}: it cannot be written: {e.Message.TrimEnd('.')}");
        }
    }
}
