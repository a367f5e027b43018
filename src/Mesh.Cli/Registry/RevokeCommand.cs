using System.CommandLine;
using System.Globalization;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry revoke</c>: who is not in the network any more.</summary>
internal static class RevokeCommand
{
    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running registry.");
        var name = new Argument<string>("NODE") { Description = "The node as the list shows it, INT/LEN, or the serial number of its certificate." };
        var renewable = new Option<bool>("--renewable") { Description = "Do not shut the node out, but make it renew its certificate; needs a serial number." };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("revoke", "Shut a node out of the network.")
        {
            Notes =
            [
                "Other nodes hear of it within seconds from the node on the registry's machine, and close their tunnels; where there is none, when they ask, which is once an hour.",
                "By INT/LEN its prefix is free at once. By serial number its prefix is kept from others until its certificate would have expired.",
                "With --renewable whoever has the node's key gets another certificate: that is for certificates, not for stolen keys.",
            ],
            Examples = ["mesh registry revoke 3/16 --dir /var/lib/mesh/registry", "mesh registry revoke 17 --renewable --dir registry"],
        };
        command.Arguments.Add(name);
        command.Options.Add(dir);
        command.Options.Add(renewable);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            string node = parsed.GetValue(name)!;
            bool isSerial = ulong.TryParse(node, NumberStyles.None, CultureInfo.InvariantCulture, out _);
            if (!isSerial && !NodePrefix.TryParseCommonName(node, out _))
                checks.Add($"{node}: expected a node as INT/LEN, as in 3/16, or a serial number");
            if (parsed.GetValue(renewable) && !isSerial)
                checks.Add("--renewable needs the serial number of a certificate");
            checks.ThrowIfAny();
            using ControlClient client = RunningRegistry.Connect(parsed.GetValue(dir)!);
            _ = await client.AskAsync<bool>(RegistryControl.Revoke, new RevokeOrder(node, parsed.GetValue(renewable)), cancellation);
            context.Out.WriteLine(parsed.GetValue(json) ? JsonText.Text(new { revoked = node }) : "revoked");
            return ExitCode.Ok;
        });
        return command;
    }
}
