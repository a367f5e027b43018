using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Mesh.Cli.Shell;

/// <summary>The help of a command: what the parser knows, then notes, examples and the exit status.</summary>
internal sealed class HelpText(HelpAction inner) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        _ = inner.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is MeshCommand command)
        {
            foreach (string note in command.Notes)
                output.WriteLine(note + "\n");
            if (command.Examples.Count > 0)
                output.WriteLine("Examples:\n" + string.Join('\n', command.Examples.Select(example => "  " + example)) + "\n");
        }
        output.WriteLine("Exit status: 0 done, 1 failed, 2 wrong command line, file or configuration.");
        return ExitCode.Ok;
    }
}
