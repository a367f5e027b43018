using System.CommandLine;
using Mesh.Cli.Shell;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry renew-ca</c>: the authority's certificate for more years.</summary>
internal static class RenewAuthorityCommand
{
    private const int DefaultYears = 20;
    private const int MaxYears = 100;

    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("The registry's directory.");
        var years = new Option<int>("--years") { Description = "How long the new certificate is good from now on.", HelpName = "N", DefaultValueFactory = _ => DefaultYears };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("renew-ca", "Give the authority a new certificate before the present one ends: same key, same network, another end.")
        {
            Notes =
            [
                "Restart the registry then. Nodes fetch the new certificate in the last month of the one that they have, so renew earlier than that. Certificates of nodes stay good.",
                "The present certificate is kept beside the new one.",
            ],
            Examples = ["mesh registry renew-ca --dir /var/lib/mesh/registry"],
        };
        foreach (Option option in (Option[])[dir, years, json])
            command.Options.Add(option);
        command.SetAction(parsed =>
        {
            var checks = new Checks();
            checks.Directory("--dir", parsed.GetValue(dir)!);
            checks.Range("--years", parsed.GetValue(years), 1, MaxYears);
            checks.ThrowIfAny();
            var directory = new RegistryDirectory(parsed.GetValue(dir)!);
            var now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
            try
            {
                string kept = directory.RenewAuthority(now, now.AddYears(parsed.GetValue(years)));
                using CertificateAuthority renewed = directory.Load();
                string fingerprint = Fingerprint.Of(renewed.Certificate.Der.AsSpan()).ToString();
                if (parsed.GetValue(json))
                {
                    context.Out.WriteLine(JsonText.Text(new { notAfter = renewed.Certificate.NotAfter, fingerprint, kept }));
                    return ExitCode.Ok;
                }

                context.Out.WriteLine($"{directory.CertificatePath} is valid until {renewed.Certificate.NotAfter:yyyy-MM-dd}; the one before is {kept}");
                context.Out.WriteLine($"fingerprint, for mesh join: {fingerprint}");
                return ExitCode.Ok;
            }
            catch (RegistryDirectoryException e)
            {
                throw CommandFailedException.Usage(e.Message.Split('\n'));
            }
        });
        return command;
    }
}
