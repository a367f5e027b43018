using Mesh.Hocon.Syntax;

namespace Mesh.Hocon.Resolution;

/// <summary>Finds what a path refers to, without resolving more than it must.</summary>
/// <remarks>
/// The answer is a stack: the values that were given to the path, oldest first, wherever they were given: in an object, behind a
/// substitution, in a concatenation. Because a step into a substitution follows its path instead of resolving its target, objects may
/// refer to paths within themselves and to each other (HOCON "Self-Referential Substitutions").
/// </remarks>
internal sealed class Lookup(Node root, ResolveBudget budget, Func<Node, (bool Known, HoconValue? Value)> resolved)
{
    private readonly HashSet<SubstitutionNode> _followed = new(ReferenceEqualityComparer.Instance);

    private enum Shape
    {
        /// <summary>Nothing is there, or only undefined optional substitutions.</summary>
        Undefined,
        Object,
        Other,
    }

    /// <summary>Some substitution had to look back to older values, because it is being followed already.</summary>
    public bool LookedBack { get; set; }

    /// <summary>All values of a path as seen by a substitution, which never finds what lies on the way through itself.</summary>
    public List<Node> Find(SubstitutionNode seeker, HoconPath path)
    {
        _ = _followed.Add(seeker);
        try
        {
            return Find(path);
        }
        finally
        {
            // Empty, because nothing is resolved while something is looked up: a failure leaves nothing behind.
            _followed.Clear();
        }
    }

    /// <summary>All values of a path, oldest first.</summary>
    public List<Node> Find(HoconPath path)
    {
        List<Node> stack = [root];
        foreach (string key in path.Elements)
        {
            var next = new List<Node>();
            _ = Step(stack, key, next);
            if (next.Count == 0)
                return next;
            stack = next;
        }
        return stack;
    }

    /// <summary>Appends the values of one key of a stack of values to <paramref name="found"/>; tells what the stack as a whole is.</summary>
    private Shape Step(List<Node> stack, string key, List<Node> found)
    {
        using ResolveBudget.Level level = budget.Descend(stack.Count > 0 ? stack[0].Origin : root.Origin);
        var shape = Shape.Undefined;
        foreach (Node node in stack)
        {
            budget.Spend(1, node.Origin);
            if (IsFollowed(node))
            {
                // Look back: this value and all that override it do not exist for whoever follows it.
                LookedBack = true;
                return shape;
            }
            var inner = new List<Node>();
            switch (StepInto(node, key, inner))
            {
                case Shape.Object:
                    budget.Spend(inner.Count, node.Origin);
                    found.AddRange(inner);
                    shape = Shape.Object;
                    break;
                case Shape.Other:
                    found.Clear();
                    shape = Shape.Other;
                    break;
            }
        }
        return shape;
    }

    private bool IsFollowed(Node node)
    {
        if (node is SubstitutionNode itself)
            return _followed.Contains(itself);
        if (node is not ConcatenationNode concatenation)
            return false;
        budget.Spend(concatenation.Pieces.Count, node.Origin);
        return concatenation.Pieces.Any(piece => piece is SubstitutionNode substitution && _followed.Contains(substitution));
    }

    private Shape StepInto(Node node, string key, List<Node> found)
    {
        switch (node)
        {
            case ObjectNode tree:
                if (tree.TryGet(key, out FieldNode? field))
                    found.AddRange(field.Values);
                return Shape.Object;
            case ValueNode { Value: HoconObject tree }:
                if (tree.TryGet(key, out HoconField? known))
                    found.Add(new ValueNode(known.Value));
                return Shape.Object;
            case SubstitutionNode substitution:
                return Follow(substitution, key, found);
            case ConcatenationNode concatenation:
                return StepThrough(concatenation, key, found);
            default:
                return Shape.Other;
        }
    }

    private Shape StepThrough(ConcatenationNode concatenation, string key, List<Node> found)
    {
        var shape = Shape.Undefined;
        foreach (Node piece in concatenation.Pieces.Where(piece => piece is not BlankNode))
        {
            var inner = new List<Node>();
            Shape pieceShape = StepInto(piece, key, inner);
            if (pieceShape == Shape.Other)
                return Shape.Other;
            found.AddRange(inner);
            shape = pieceShape == Shape.Object ? pieceShape : shape;
        }
        return shape;
    }

    private Shape Follow(SubstitutionNode substitution, string key, List<Node> found)
    {
        (bool known, HoconValue? value) = resolved(substitution);
        if (known)
            return value is null ? Shape.Undefined : StepInto(new ValueNode(value), key, found);
        if (!_followed.Add(substitution))
            return Shape.Undefined;
        Shape shape = Step(Find(substitution.Prefix.Append(substitution.Path)), key, found);
        if (shape == Shape.Undefined && substitution.Prefix.Elements.Count > 0)
            shape = Step(Find(substitution.Path), key, found);
        _ = _followed.Remove(substitution);
        return shape;
    }
}
