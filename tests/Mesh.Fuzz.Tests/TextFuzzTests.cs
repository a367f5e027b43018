using Mesh.Fuzz.Tests.Targets;

namespace Mesh.Fuzz.Tests;

/// <summary>Parsers of text. They run beside the decoders of octets, on another processor.</summary>
public sealed class TextFuzzTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => AllTargets.Names(isText: true);

    [Theory, MemberData(nameof(Names))]
    public void Keeps_its_contract_whatever_it_is_given(string target) => AllTargets.Run(target, output);
}
