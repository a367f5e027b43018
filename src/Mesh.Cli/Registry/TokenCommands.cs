using System.CommandLine;
using System.Security.Cryptography;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Protocol.Registry;
using Spectre.Console;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry token</c>: who may join.</summary>
internal static class TokenCommands
{
    private const int DrawnLength = 12;

    public static Command Create(CliContext context) => new MeshCommand("token", "Add, list and delete the tokens with which nodes join.")
    {
        Add(context), List(context), Delete(context),
    };

    private static MeshCommand Add(CliContext context)
    {
        (Option<string?> dir, Option<string?> registry) = Where();
        var email = new Option<string>("--email") { Description = "For whom; it stands with the node in the registry's list.", HelpName = "E", DefaultValueFactory = _ => "" };
        var token = new Option<string?>("--token") { Description = "The token [default: one is drawn].", HelpName = "T" };
        var uses = new Option<int?>("--uses") { Description = "How many nodes may join with it [default: 1].", HelpName = "N" };
        var expires = new Option<string?>("--expires") { Description = "How long it is good [default: registry.grace-period].", HelpName = "DURATION" };
        var length = new Option<int?>("--prefix-length") { Description = "Bits of the prefix that it gives [default: registry.prefix-length].", HelpName = "N" };
        var note = new Option<string?>("--note") { Description = "Your own words, for the list.", HelpName = "T" };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("add", "Let somebody join: the new token is written to standard output.")
        {
            Notes = ["--uses, --expires, --prefix-length and --note need --dir: the network protocol behind --registry does not have them."],
            Examples = ["mesh registry token add --dir /var/lib/mesh/registry", "mesh registry token add --dir registry --email jo@example.org --uses 3 --expires 2d --note lab"],
        };
        foreach (Option option in (Option[])[dir, registry, email, token, uses, expires, length, note, json])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            checks.OneOf("--dir", parsed.GetValue(dir), "--registry", parsed.GetValue(registry));
            if (parsed.GetValue(uses) is { } count)
                checks.Range("--uses", count, 1, 1_000_000);
            if (parsed.GetValue(length) is { } bits)
                checks.Range("--prefix-length", bits, 1, 127);
            TimeSpan? lifetime = parsed.GetValue(expires) is { } text ? checks.Duration("--expires", text) : null;
            string? url = parsed.GetValue(registry) is { } given ? checks.Url("--registry", given) : null;
            if (url is not null)
            {
                foreach (Option option in (Option[])[uses, expires, length, note])
                {
                    if (parsed.GetResult(option) is { Implicit: false })
                        checks.Add($"{option.Name} needs --dir");
                }
            }
            checks.ThrowIfAny();
            string? secret = parsed.GetValue(token);
            TokenAddedReport added;
            if (url is not null)
            {
                secret ??= RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz", DrawnLength);
                await RunningRegistry.CallAsync(url, RegistryCall.Create(RegistryMethod.AddToken, ("email", parsed.GetValue(email)!), ("token", secret)), cancellation);
                context.Out.WriteLine(parsed.GetValue(json) ? JsonText.Text(new { token = secret }) : secret);
                return ExitCode.Ok;
            }
            using ControlClient client = RunningRegistry.Connect(parsed.GetValue(dir)!);
            var order = new TokenOrder(parsed.GetValue(email)!, secret, parsed.GetValue(length), parsed.GetValue(uses) ?? 1, lifetime?.TotalSeconds, parsed.GetValue(note));
            added = await client.AskAsync<TokenAddedReport>(RegistryControl.AddToken, order, cancellation);
            context.Out.WriteLine(parsed.GetValue(json) ? JsonText.Text(added) : added.Token);
            return ExitCode.Ok;
        });
        return command;
    }

    private static MeshCommand List(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running registry.");
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("list", "List the tokens that are left.") { Examples = ["mesh registry token list --dir /var/lib/mesh/registry --json"] };
        command.Options.Add(dir);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient client = RunningRegistry.Connect(parsed.GetValue(dir)!);
            TokenReport[] tokens = await client.AskAsync<TokenReport[]>(RegistryControl.ListTokens, argument: null, cancellation);
            if (parsed.GetValue(json))
            {
                context.Out.WriteLine(JsonText.Text(tokens));
                return ExitCode.Ok;
            }
            Table table = new Table().Border(TableBorder.Simple).AddColumns("token", "e-mail", "bits", "uses left", "expires", "note");
            foreach (TokenReport token in tokens)
                _ = table.AddRow(Markup.Escape(token.Token), Markup.Escape(token.Email), $"{token.PrefixLength}", $"{token.UsesLeft}", $"{token.Expires:yyyy-MM-dd HH:mm}", Markup.Escape(token.Note ?? ""));
            context.Tables().Write(table);
            return ExitCode.Ok;
        });
        return command;
    }

    private static MeshCommand Delete(CliContext context)
    {
        (Option<string?> dir, Option<string?> registry) = Where();
        var token = new Argument<string>("TOKEN") { Description = "The token." };
        var command = new MeshCommand("delete", "Take a token back. Nodes that joined with it stay.") { Examples = ["mesh registry token delete abcdefgh --dir /var/lib/mesh/registry"] };
        command.Arguments.Add(token);
        command.Options.Add(dir);
        command.Options.Add(registry);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            checks.OneOf("--dir", parsed.GetValue(dir), "--registry", parsed.GetValue(registry));
            string? url = parsed.GetValue(registry) is { } given ? checks.Url("--registry", given) : null;
            checks.ThrowIfAny();
            string secret = parsed.GetValue(token)!;
            if (url is null)
            {
                using ControlClient client = RunningRegistry.Connect(parsed.GetValue(dir)!);
                _ = await client.AskAsync<bool>(RegistryControl.DeleteToken, secret, cancellation);
            }
            else
            {
                if (!await RunningRegistry.CallAsync(url, RegistryCall.Create(RegistryMethod.IsToken, ("token", secret)), cancellation))
                    throw CommandFailedException.Failed("there is no such token: it is mistyped, spent, expired or deleted");
                _ = await RunningRegistry.CallAsync(url, RegistryCall.Create(RegistryMethod.DeleteToken, ("token", secret)), cancellation);
            }
            context.Out.WriteLine("deleted");
            return ExitCode.Ok;
        });
        return command;
    }

    private static (Option<string?> Dir, Option<string?> Registry) Where() => (
        new Option<string?>("--dir") { Description = "Directory of the running registry, on this machine.", HelpName = "DIR" },
        new Option<string?>("--registry") { Description = "Its base URL instead; it answers to the addresses in registry.authorized-origins.", HelpName = "URL" });
}
