using System.CommandLine;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;
using Mesh.Security.Certificates;

namespace Mesh.Cli.Join;

/// <summary><c>mesh fingerprint</c>: by which a newcomer recognises the network's authority.</summary>
internal static class FingerprintCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string?>("FILE") { Description = "The authority's certificate (PEM).", Arity = ArgumentArity.ZeroOrOne };
        var dir = new Option<string?>("--dir") { Description = "Directory of a registry or a node, instead of FILE.", HelpName = "DIR" };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("fingerprint", "Show the fingerprint of a network's authority, for mesh join --fingerprint.")
        {
            Examples = ["mesh fingerprint --dir /var/lib/mesh/registry", "mesh fingerprint ca.crt --json"],
        };
        command.Arguments.Add(file);
        command.Options.Add(dir);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            var checks = new Checks();
            checks.OneOf("--dir", parsed.GetValue(dir), "FILE", parsed.GetValue(file));
            checks.ThrowIfAny();
            string path = parsed.GetValue(file) ?? new NodeDirectory(parsed.GetValue(dir)!).AuthorityPath;
            AuthorityCertificate authority = NodeDirectory.ReadAuthority(path);
            string fingerprint = Fingerprint.Of(authority.Der.AsSpan()).ToString();
            context.Out.WriteLine(parsed.GetValue(json)
                ? JsonText.Text(new { fingerprint, network = authority.Network.ToString(), notBefore = authority.NotBefore, notAfter = authority.NotAfter })
                : fingerprint);
            return ExitCode.Ok;
        });
        return command;
    }
}
